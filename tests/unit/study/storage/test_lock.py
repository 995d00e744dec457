"""The lock of a study."""

from pathlib import Path

import pytest
from filelock import FileLock

from paretoprune.errors import BusyStudyError
from paretoprune.study import storage
from paretoprune.study.storage.paths import LOCK


def test_one_writer(study):
    busy = pytest.raises(BusyStudyError, match="another process")
    with storage.locked(study), busy, storage.locked(study):
        pass
    with storage.locked(study):
        pass


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "null",
        '{"process": 1}',
        '{"process": "\\u001b[2J", "host": "x", "since": "y"}',
        '{"process": 1, "host": "' + "x" * 500 + '", "since": "y"}',
    ],
)
def test_a_holder_that_cannot_be_read_is_left_out(content):
    folder = Path("study")
    with storage.locked(folder):
        (folder / ".lock.json").write_text(content)
        busy = pytest.raises(BusyStudyError, match=r"^another process works on study: wait")
        with busy, storage.locked(folder):
            pass


def test_a_lock_that_was_removed_while_it_was_taken_locks_nothing(monkeypatch):
    """A process that was refused a new study removes its lock: whoever waited must not go on."""
    folder = Path("study")
    acquire = FileLock.acquire

    def late(self, *given, **more):
        taken = acquire(self, *given, **more)
        (folder / LOCK).unlink()
        return taken

    with monkeypatch.context() as slow:
        slow.setattr(FileLock, "acquire", late)
        with pytest.raises(BusyStudyError), storage.locked(folder):
            pass
    with storage.locked(folder):
        assert (folder / LOCK).exists()
