"""Paths of the files of a study. All of them are in its folder; links out of it are rejected."""

from pathlib import Path

from paretoprune.errors import CorruptStudyError, UsageError
from paretoprune.study.storage.atomic import PARTIAL, writing

PLAN, TABLE, PICTURE = "study.toml", "points.parquet", "front.png"
LOCK, HOLDER = ".lock", ".lock.json"


def path_in_study(folder: Path, *names: str) -> Path:
    """Return the path of a file in a study.

    Raises `CorruptStudyError` if the file, or a folder above it in the study, is a link, because a
    study must not read, overwrite or delete files outside its folder. The same holds for a pipe or
    a device, which could block a reader without end.
    """
    path = folder
    for name in names:
        path = path / name
        if path.is_symlink():
            raise CorruptStudyError(
                f"{path} is a link, and a study lies in its own folder only: put what it leads to "
                "in its place, or remove it"
            )
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise CorruptStudyError(f"{path} is neither a file nor a folder: remove it")
    return path


def file_in_study(folder: Path, kind: str, name: str) -> Path:
    """Return the path of a file in the sub-folder `kind`, and create that folder.

    Raises as `path_in_study`, and `CouldNotError` if the folder cannot be created.
    """
    path = path_in_study(folder, kind, name)
    with writing(folder):
        path.parent.mkdir(exist_ok=True)
    return path


def is_study(folder: Path) -> bool:
    """Return whether a folder holds a study."""
    return (folder / PLAN).is_file()


def require_free_folder(folder: Path) -> None:
    """Raise `UsageError` if a new study must not be put into `folder`.

    This is so if it is a file, or a folder that holds other files and no study.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file: name a folder for the study")
    if folder.is_dir() and not is_study(folder) and not only_lock(folder):
        raise UsageError(
            f"{folder} holds other files and no {PLAN}, so it is no study: name another folder"
        )


def only_lock(folder: Path) -> bool:
    """Return whether a folder holds nothing but the remains of a study that was never begun."""
    left = {LOCK, HOLDER, f"{HOLDER}{PARTIAL}", f"{PLAN}{PARTIAL}"}
    return all(path.name in left for path in folder.iterdir())


def require_study(folder: Path) -> None:
    """Raise `UsageError` if `folder` holds no study."""
    if not is_study(folder):
        problem = "has no study in it" if folder.is_dir() else "does not exist"
        if folder.is_file():
            raise UsageError(f"{folder} is a file: name the folder of a study")
        raise UsageError(f"{folder} {problem}: `paretoprune sweep {folder}` makes one")
