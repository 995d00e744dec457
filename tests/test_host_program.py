"""What a sweep tells of outcomes that lack something, and how it leaves a host program."""

from pathlib import Path

import pytest
import torch
from filelock import FileLock

from paretoprune.errors import BusyStudyError
from paretoprune.problem.device import training_process
from paretoprune.runner.events import Note
from paretoprune.runner.sweep import sweep
from paretoprune.study import storage
from paretoprune.study.storage.paths import LOCK
from tests.test_sweep import quiet, request, table


def test_what_cannot_be_counted_is_said_with_the_run(monkeypatch):
    def raising(network, inputs):
        raise RuntimeError("no copies")

    monkeypatch.setattr("paretoprune.training.outcome.compact", raising)
    said = []
    sweep(request(max_runs=4), said.append)
    (note,) = [e.text for e in said if isinstance(e, Note) and "cannot be counted" in e.text]
    assert note.split(": ")[0].removeprefix("run ") in set(table()["run_id"])
    assert "RuntimeError: no copies" in note
    assert table()["flops"].isna().all()


def test_a_host_program_gets_its_random_state_and_flags_back():
    cudnn = torch.backends.cudnn
    state, flags = torch.get_rng_state(), (cudnn.deterministic, cudnn.allow_tf32)
    sweep(request(max_runs=2), quiet)
    assert torch.equal(torch.get_rng_state(), state)
    assert (cudnn.deterministic, cudnn.allow_tf32) == flags
    with training_process():
        assert (cudnn.deterministic, cudnn.allow_tf32) == (True, False)


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
