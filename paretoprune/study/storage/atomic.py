"""Atomic writes: a file is replaced completely or not at all, whatever interrupts the process."""

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from paretoprune.errors import CouldNotError, ParetopruneError

PARTIAL = ".partial"  # ending of a file that is not complete yet

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
# Errors of file systems that cannot flush names, or do not let this process: there, renaming is all
# that they offer.
NO_FLUSH = (errno.EINVAL, errno.ENOTSUP, errno.EACCES)


def write_aside(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file under a temporary name, flush it to the disk and rename it.

    A reader sees either the old file or the new one.

    Args:
        path: The file to write or replace.
        write: Writes the content to the path that it is called with.

    Raises:
        CouldNotError: The file cannot be written; the message says why and what to do.
    """
    aside = path.with_name(f"{path.name}{PARTIAL}")
    try:
        with writing(path):
            aside.unlink(missing_ok=True)  # left by a killed process, or a link to another place
            write(aside)
            flush(aside, os.O_RDWR)
            aside.replace(path)
            flush_names(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):  # the reason of the failed write matters more
            aside.unlink(missing_ok=True)
        raise


def flush(path: Path, flags: int) -> None:
    """Wait until a file, or the list of names in a folder, is on the disk."""
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_names(folder: Path) -> None:
    """Wait until new names in a folder survive a power cut, if the file system can promise that."""
    if os.name != "posix":
        return
    try:
        flush(folder, os.O_RDONLY)
    except OSError as error:
        if error.errno not in NO_FLUSH:
            raise


@contextlib.contextmanager
def writing(path: Path, verb: str = "write") -> Iterator[None]:
    """Turn exceptions of the block into a `CouldNotError` that says `cannot VERB PATH`.

    A `ParetopruneError` passes unchanged.
    """
    try:
        yield
    except ParetopruneError:
        raise
    except Exception as error:  # pyarrow and Pillow raise other types than OSError too
        number = error.errno if isinstance(error, OSError) else None
        reason = os.strerror(number) if number else first_line(error)
        advice = ADVICE.get(number or 0, f"name another folder; {KEPT}")
        raise CouldNotError(f"cannot {verb} {path} ({reason}): {advice}") from error


def remove(path: Path) -> None:
    """Delete a file if it exists; raise `CouldNotError` if that fails."""
    with writing(path, "delete"):
        path.unlink(missing_ok=True)


def write_text(text: str, path: Path) -> None:
    """Write a text as UTF-8."""
    path.write_text(text, encoding="utf-8")


def write_bytes(content: bytes, path: Path) -> None:
    """Write bytes."""
    path.write_bytes(content)


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, without a final full stop."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
