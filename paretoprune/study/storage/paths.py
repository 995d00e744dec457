"""Where does what lie in a study? Its own folder only: no link leads out of it."""

from pathlib import Path

from paretoprune.errors import CorruptStudyError, UsageError
from paretoprune.study.storage.atomic import PARTIAL, writing

PLAN, TABLE, PICTURE = "study.toml", "points.parquet", "front.png"
LOCK, HOLDER = ".lock", ".lock.json"


def own(folder: Path, *names: str) -> Path:
    """The path of a file of a study.

    Raises `CorruptStudyError` where it, or a folder above it in the study, is a link: what lies
    elsewhere is not the study's to read, to overwrite or to delete. So it does for a pipe or a
    device, from which a reader would wait for ever.
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


def own_in(folder: Path, kind: str, name: str) -> Path:
    """The same for a file that is to be written into the sub-folder `kind`, which is made."""
    path = own(folder, kind, name)
    with writing(folder):
        path.parent.mkdir(exist_ok=True)
    return path


def is_study(folder: Path) -> bool:
    """Whether a study lies there."""
    return (folder / PLAN).is_file()


def check_place(folder: Path) -> None:
    """Raise `UsageError` where a new study must not be put: a file, a folder of something else."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file: name a folder for the study")
    if folder.is_dir() and not is_study(folder) and not only_lock(folder):
        raise UsageError(
            f"{folder} holds other files and no {PLAN}, so it is no study: name another folder"
        )


def only_lock(folder: Path) -> bool:
    """Whether nothing but what a study leaves that was never begun lies there."""
    left = {LOCK, HOLDER, f"{HOLDER}{PARTIAL}", f"{PLAN}{PARTIAL}"}
    return all(path.name in left for path in folder.iterdir())


def require_study(folder: Path) -> None:
    """Raise `UsageError` where there is no study to read."""
    if not is_study(folder):
        what = "has no study in it" if folder.is_dir() else "does not exist"
        if folder.is_file():
            raise UsageError(f"{folder} is a file: name the folder of a study")
        raise UsageError(f"{folder} {what}: `paretoprune sweep {folder}` makes one")
