"""Which files of a folder are images of which class?"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from paretoprune.errors import CouldNotError, printable
from paretoprune.problem.datasets.images import SUFFIXES

TRAIN = "train"
TESTS = ("test", "val", "validation")  # the first that is there holds the test images
NOT_MEANT = "__MACOSX"  # what archives from a Mac hold besides

Classes = dict[str, list[str]]  # the paths of the image files of each class, in order
Entry = os.DirEntry[str]
Identity = tuple[int, int]  # of a folder, whatever its name: device and inode


@dataclass(frozen=True)
class Found:
    """The images of a folder; `test_name` is the folder of the test images, if there is one.

    `unused` names folders that lie beside train/ and test/, `strays` counts images that lie in no
    class's folder, `others` files that are no images.
    """

    train: Classes
    test: Classes
    test_name: str | None
    unused: tuple[str, ...]
    strays: int
    others: int


def find(root: Path) -> Found:
    """Look for a sub-folder per class, with or without train/ and test/ above them.

    Raises `CouldNotError` where a folder cannot be read.
    """
    try:
        return _find(root)
    except OSError as error:
        place = printable(str(error.filename))
        raise CouldNotError(
            f"{place} cannot be read ({error.strerror}): change its permissions or move it away"
        ) from error


def _find(root: Path) -> Found:
    resolved = root.resolve()
    above = {_identity(str(folder)) for folder in (resolved, *resolved.parents)}
    inner = _folders(str(root), above)
    splits = [name for name in (TRAIN, *TESTS) if name in inner and _folders(inner[name], above)]
    if TRAIN in splits:
        used, outside = splits[:2], _files_in(str(root))
    else:
        used, outside = [], []
    parts, inside = [], []
    for place in [inner[name] for name in used] or [str(root)]:
        trees = {name: list(_walk(path, above)) for name, path in _folders(place, above).items()}
        outside += _files_in(place)
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
    """The files in and below a folder, no folder twice: links may lead in circles."""
    seen = above | {_identity(folder)}

    def below(place: str) -> Iterator[Entry]:
        for entry in _visible(place):
            if not _is_folder(entry):
                yield entry
            elif (identity := _identity(entry.path)) not in seen:
                seen.add(identity)
                yield from below(entry.path)

    return below(folder)


def _folders(place: str, above: set[Identity]) -> dict[str, str]:
    """The paths of sub-folders by name, without links to folders `above`."""
    folders = {entry.name: entry.path for entry in _visible(place) if _is_folder(entry)}
    return {name: path for name, path in folders.items() if _identity(path) not in above}


def _files_in(place: str) -> list[Entry]:
    return [entry for entry in _visible(place) if not _is_folder(entry)]


def _visible(place: str) -> list[Entry]:
    """What a folder holds, by name, without what is hidden."""
    with os.scandir(place) as entries:
        shown = [e for e in entries if not e.name.startswith(".") and e.name != NOT_MEANT]
    return sorted(shown, key=lambda entry: entry.name)


def _is_folder(entry: Entry) -> bool:
    return Path(entry.path).is_dir() if entry.is_symlink() else entry.is_dir()


def _is_image(entry: Entry) -> bool:
    """By its suffix; a pipe would never end, a broken link is an image that cannot be read."""
    if not entry.name.lower().endswith(SUFFIXES):
        return False
    path = Path(entry.path)
    return entry.is_file(follow_symlinks=False) or path.is_file() or not path.exists()


def _identity(folder: str) -> Identity:
    status = Path(folder).stat()
    return status.st_dev, status.st_ino
