"""Class folders: the image files of a folder, and the class of each."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from paretoprune.errors import CouldNotError, printable
from paretoprune.problem.datasets.images import SUFFIXES

TRAIN = "train"
TESTS = ("test", "val", "validation")  # the first one that exists holds the test images
NOT_MEANT = "__MACOSX"  # metadata in archives that were made on a Mac

Classes = dict[str, list[str]]  # paths of the image files of each class, in order
Entry = os.DirEntry[str]
Identity = tuple[int, int]  # device and inode of a folder, whatever its name


@dataclass(frozen=True)
class Found:
    """The image files found in a folder, by class.

    Attributes:
        train: Paths of the training images, by class.
        test: Paths of the test images, by class; empty if no folder holds test images.
        test_name: Name of the folder that holds the test images, if there is one.
        unused: Names of folders next to train/ and test/ that are not used.
        strays: Number of images that lie in no class folder.
        others: Number of files that are not images.
    """

    train: Classes
    test: Classes
    test_name: str | None
    unused: tuple[str, ...]
    strays: int
    others: int


def find(root: Path) -> Found:
    """Find the image files of a folder that has a sub-folder per class.

    The class folders lie in `root` itself, or in train/ and one of test/, val/ and validation/
    below it.

    Raises:
        CouldNotError: If a folder cannot be read.
    """
    try:
        return _find(root)
    except OSError as error:
        name = printable(str(error.filename))
        raise CouldNotError(
            f"{name} cannot be read ({error.strerror}): change its permissions or move it away"
        ) from error


def _find(root: Path) -> Found:
    resolved = root.resolve()
    above = {_identity(str(path)) for path in (resolved, *resolved.parents)}
    inner = _folders(str(root), above)
    splits = [name for name in (TRAIN, *TESTS) if name in inner and _folders(inner[name], above)]
    if TRAIN in splits:
        used, outside = splits[:2], _files_in(str(root))
    else:
        used, outside = [], []
    parts, inside = [], []
    for folder in [inner[name] for name in used] or [str(root)]:
        trees = {name: list(_walk(path, above)) for name, path in _folders(folder, above).items()}
        outside += _files_in(folder)
        inside += [file for files in trees.values() for file in files]
        parts.append(
            {name: [e.path for e in files if _is_image(e)] for name, files in trees.items()}
        )
    return Found(
        train=parts[0],
        test=parts[1] if len(parts) > 1 else {},
        test_name=used[1] if len(parts) > 1 else None,
        unused=tuple(name for name in inner if used and name not in used),
        strays=sum(map(_is_image, outside)),
        others=sum(not _is_image(file) for file in (*outside, *inside)),
    )


def _walk(folder: str, above: set[Identity]) -> Iterator[Entry]:
    """Return the files in and below a folder.

    No folder is visited twice, because links may be circular.
    """
    seen = above | {_identity(folder)}

    def below(path: str) -> Iterator[Entry]:
        for entry in _visible(path):
            if not _is_folder(entry):
                yield entry
            elif (identity := _identity(entry.path)) not in seen:
                seen.add(identity)
                yield from below(entry.path)

    return below(folder)


def _folders(folder: str, above: set[Identity]) -> dict[str, str]:
    """Return the paths of sub-folders by name, without links to folders in `above`."""
    folders = {entry.name: entry.path for entry in _visible(folder) if _is_folder(entry)}
    return {name: path for name, path in folders.items() if _identity(path) not in above}


def _files_in(folder: str) -> list[Entry]:
    return [entry for entry in _visible(folder) if not _is_folder(entry)]


def _visible(folder: str) -> list[Entry]:
    """Return the entries of a folder sorted by name, without hidden ones and `NOT_MEANT`."""
    with os.scandir(folder) as entries:
        shown = [e for e in entries if not e.name.startswith(".") and e.name != NOT_MEANT]
    return sorted(shown, key=lambda entry: entry.name)


def _is_folder(entry: Entry) -> bool:
    return Path(entry.path).is_dir() if entry.is_symlink() else entry.is_dir()


def _is_image(entry: Entry) -> bool:
    """Return whether a file is an image, judged by its suffix.

    A pipe is not an image, because reading it would never end. A broken link counts as an image
    that cannot be read.
    """
    if not entry.name.lower().endswith(SUFFIXES):
        return False
    path = Path(entry.path)
    return entry.is_file(follow_symlinks=False) or path.is_file() or not path.exists()


def _identity(folder: str) -> Identity:
    status = Path(folder).stat()
    return status.st_dev, status.st_ino
