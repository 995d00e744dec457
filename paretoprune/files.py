"""How is a file written so that nothing is lost?"""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from paretoprune.errors import CouldNotError, ParetopruneError


def write_aside(path: Path, write: Callable[[Path], object]) -> None:
    """Write aside, flush to the disk, rename: a reader sees the old file or the new one."""
    aside = path.with_name(f"{path.name}.partial")
    try:
        with writing(path):
            aside.unlink(missing_ok=True)  # a killed process's, or a link to somewhere else
            write(aside)
            flush(aside, os.O_RDWR)
            aside.replace(path)
            if os.name == "posix":  # the new name too survives a power cut
                flush(path.parent, os.O_RDONLY)
    finally:
        aside.unlink(missing_ok=True)


def flush(path: Path, flags: int) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise `CouldNotError` where something cannot be written at `path`."""
    try:
        yield
    except ParetopruneError:
        raise
    except Exception as error:
        # safetensors and Parquet wrap the system's errors in types of their own
        advice = "make room" if "No space" in str(error) else "name another folder"
        raise CouldNotError(
            f"cannot write {path} ({first_line(error)}): {advice}; what was recorded is kept"
        ) from error


def write_text(text: str, path: Path) -> None:
    """Write UTF-8."""
    path.write_text(text, encoding="utf-8")


def first_line(error: Exception) -> str:
    """What an error says first, as a part of a sentence."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
