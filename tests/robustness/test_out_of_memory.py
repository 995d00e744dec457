"""Fleets that are too large for memory are halved."""

from pathlib import Path

import pytest
import torch

from paretoprune.problem.device import is_full
from paretoprune.runner.events import Note, Recorded
from paretoprune.runner.executors.local import LocalExecutor
from paretoprune.runner.sweep import sweep
from paretoprune.study import storage
from tests.support.sweeps import Interruption, assert_same_table, quiet, request, table


class Small(LocalExecutor):
    """Has memory for fleets of so many networks."""

    def __init__(self, most, words="CUDA out of memory"):
        self.most, self.words = most, words

    def submit(self, fn, /, runs, *more):
        if len(runs) > self.most:
            return super().submit(self.run_out)
        return super().submit(fn, runs, *more)

    def run_out(self):
        raise RuntimeError(self.words)


@pytest.mark.parametrize(
    "words", ["CUDA out of memory", "DefaultCPUAllocator: can't allocate memory"]
)
@pytest.mark.slow
def test_where_memory_is_full_fleets_are_halved_and_the_sweep_goes_on(words):
    said = []
    sweep(request(fleet=4, max_runs=6), said.append, Small(most=1, words=words))
    notes = [event.text for event in said if isinstance(event, Note)]
    assert "memory is too small for a fleet of 4: going on with 2" in notes
    assert "memory is too small for a fleet of 2: going on with 1" in notes
    assert (table()["status"] == "done").all()
    assert table()["fleet_size"].tolist() == [1] * 6
    assert storage.read_plan(Path("study")).measured.largest_fleet == 1
    sweep(request("alone", fleet=1, max_runs=6), quiet)
    assert_same_table(table(), table("alone"))


@pytest.mark.slow
def test_halved_fleets_stay_halved_after_an_interruption():
    """Memory for 3, asked for 5: the same fleets, and so the same table, without and with it."""
    sweep(request("whole", fleet=5, max_runs=9), quiet, Small(most=3))
    with pytest.raises(KeyboardInterrupt):
        sweep(request(fleet=5, max_runs=9), Interruption(Recorded, 2), Small(most=3))
    said = []
    sweep(request(fleet=5, max_runs=9), said.append, Small(most=3))
    notes = [event.text for event in said if isinstance(event, Note)]
    assert notes == ["fleets of 2 (memory was too small for more), fused"]
    assert_same_table(table(), table("whole"))


def test_a_network_for_which_memory_is_too_small_is_a_failed_run():
    with pytest.raises(Exception, match="out of memory"):
        sweep(request(fleet=2, max_runs=4), quiet, Small(most=0))
    assert (table()["status"] == "failed").all()


def test_what_memory_errors_are():
    assert is_full(MemoryError())
    assert is_full(torch.OutOfMemoryError("CUDA"))
    assert is_full(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to"))
    assert not is_full(RuntimeError("out of bounds"))
