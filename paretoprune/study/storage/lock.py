"""Lock of a study: one process works on it at a time, and others are told which one it is."""

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout

from paretoprune.errors import BusyStudyError
from paretoprune.study.storage.atomic import write_aside, write_text, writing
from paretoprune.study.storage.leftovers import remove_leftovers
from paretoprune.study.storage.paths import HOLDER, LOCK, is_study, path_in_study

MOST_CHARACTERS = 300  # of the file that describes the holder


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a study; create its folder if needed, and remove leftovers from it.

    The operating system releases the lock when the process ends, however it ends. If there is no
    study in the folder afterwards, the lock and the folders created for it are removed. Raises
    `BusyStudyError` if another process holds the lock, and `CouldNotError` if the folder or the
    lock cannot be written.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path_in_study(folder, LOCK))
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise busy(folder) from error
        if not (folder / LOCK).exists():  # whoever refused a study here has just removed it
            lock.release()
            raise busy(folder)
    try:
        remove_leftovers(folder)
        write_aside(path_in_study(folder, HOLDER), partial(write_text, json.dumps(myself())))
        yield
    finally:
        with contextlib.suppress(OSError):
            (folder / HOLDER).unlink(missing_ok=True)
        if not is_study(folder):
            remove_unused(folder, made)
        lock.release()


def busy(folder: Path) -> BusyStudyError:
    """Return the error for a study on which another process works."""
    return BusyStudyError(
        f"another process works on {folder}{holder(folder)}: wait for it or name another folder"
    )


def remove_unused(folder: Path, made: list[Path]) -> None:
    """Remove the lock of a study that was never begun, and the folders `made` for it."""
    with contextlib.suppress(OSError):  # others may have put something there
        (folder / LOCK).unlink(missing_ok=True)
        for path in made:
            path.rmdir()


def myself() -> dict[str, object]:
    """Return a description of this process, which other processes read."""
    since = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
    return {"host": socket.gethostname(), "process": os.getpid(), "since": since}


def holder(folder: Path) -> str:
    """Describe the process that holds the lock, as part of a sentence; empty if unreadable."""
    try:
        with path_in_study(folder, HOLDER).open(encoding="utf-8") as stream:
            found = json.loads(stream.read(MOST_CHARACTERS))
        words = f" (process {found['process']} on {found['host']}, since {found['since']})"
    except Exception:  # not written yet, or with other content: only the lock itself counts
        return ""
    return words if words.isprintable() else ""
