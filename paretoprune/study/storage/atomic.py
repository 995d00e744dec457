"""How is a file written so that nothing is lost?"""

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from paretoprune.errors import CouldNotError, ParetopruneError

PARTIAL = ".partial"  # the ending of what is not written to its end yet

KEPT = "what was recorded is kept, and the same command goes on"
ADVICE = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), f"make room; {KEPT}"),
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM, errno.EROFS),
        f"make it writable, or name another folder; {KEPT}",
    ),
    errno.EFBIG: f"raise the limit of a file's size (ulimit -f); {KEPT}",
    errno.ENOENT: "its folder is gone: put it back, and the same command goes on",
}
# What a file system says that cannot flush names, or not for us: renaming is all that it offers.
NO_FLUSH = (errno.EINVAL, errno.ENOTSUP, errno.EACCES)


def write_aside(path: Path, write: Callable[[Path], object]) -> None:
    """Write aside, flush to the disk, rename: a reader sees the old file or the new one.

    Raises `CouldNotError`.
    """
    aside = path.with_name(f"{path.name}{PARTIAL}")
    try:
        with writing(path):
            aside.unlink(missing_ok=True)  # a killed process's, or a link to somewhere else
            write(aside)
            flush(aside, os.O_RDWR)
            aside.replace(path)
            flush_names(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):  # why it could not be written matters more
            aside.unlink(missing_ok=True)
        raise


def flush(path: Path, flags: int) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_names(folder: Path) -> None:
    """Wait until a new name too survives a power cut, where the file system can promise that."""
    if os.name != "posix":
        return
    try:
        flush(folder, os.O_RDONLY)
    except OSError as error:
        if error.errno not in NO_FLUSH:
            raise


@contextlib.contextmanager
def writing(path: Path, verb: str = "write") -> Iterator[None]:
    """Raise `CouldNotError` where something cannot be written (or what `verb` says) at `path`."""
    try:
        yield
    except ParetopruneError:
        raise
    except Exception as error:  # Parquet and Pillow raise errors of types of their own too
        number = error.errno if isinstance(error, OSError) else None
        reason = os.strerror(number) if number else first_line(error)
        advice = ADVICE.get(number or 0, f"name another folder; {KEPT}")
        raise CouldNotError(f"cannot {verb} {path} ({reason}): {advice}") from error


def remove(path: Path) -> None:
    """Delete a file, if it is there. Raises `CouldNotError`."""
    with writing(path, "delete"):
        path.unlink(missing_ok=True)


def write_text(text: str, path: Path) -> None:
    """Write UTF-8."""
    path.write_text(text, encoding="utf-8")


def write_bytes(content: bytes, path: Path) -> None:
    """Write what is complete already."""
    path.write_bytes(content)


def first_line(error: Exception) -> str:
    """What an error says first, as a part of a sentence."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
