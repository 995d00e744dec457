"""How many networks are trained together: a short timing, and half of them where memory is full."""

import time
from pathlib import Path

import pytest
import torch

from paretoprune.problem.device import is_full
from paretoprune.runner.events import Note, Recorded
from paretoprune.runner.executors.local import LocalExecutor
from paretoprune.runner.sweep import sweep
from paretoprune.study import storage as store
from paretoprune.training import fleet_size as sizing
from paretoprune.training.fleet_size import fastest_size
from paretoprune.training.prepare import Prepared
from tests.problems import problem, run
from tests.test_sweep import Interruption, assert_same_table, quiet, request, table

GIGABYTE = 2**30


def ratios(monkeypatch, of):
    """Let a fleet take `of[its size]` times as long for a network's step as any smaller one."""
    tried = []

    def ratio(larger, fleet):
        tried.append(len(larger.runs))
        return of[len(larger.runs)] / of.get(len(fleet.runs), 1.0)

    monkeypatch.setattr(sizing, "_time_ratio", ratio)
    return tried


@pytest.mark.parametrize(
    ("times", "chosen", "tried"),
    [
        ({2: 0.8, 4: 0.7, 8: 0.6}, 8, [2, 4, 8]),
        ({2: 0.8, 4: 0.79, 8: 0.6}, 8, [2, 4, 8]),
        ({2: 0.8, 4: 0.79, 8: 0.78}, 2, [2, 4, 8]),  # no gain is worth the memory
        ({2: 0.8, 4: 0.95, 8: 0.1}, 2, [2, 4]),  # much slower: larger ones are not tried
        ({2: 1.05, 4: 0.8, 8: 0.85}, 4, [2, 4, 8]),
        ({2: 1.3, 4: 0.1, 8: 0.1}, 1, [2]),
    ],
)
def test_the_fastest_size_is_taken(monkeypatch, times, chosen, tried):
    seen = ratios(monkeypatch, times)
    assert fastest_size(run(), problem(), largest=8) == chosen
    assert seen == tried


def test_the_size_is_one_that_a_round_can_fill(monkeypatch):
    seen = ratios(monkeypatch, {2: 0.8, 4: 0.6})
    assert fastest_size(run(), problem(), largest=7) == 4
    assert fastest_size(run(), problem(), largest=1) == 1
    assert seen == [2, 4]


def test_real_steps_are_timed(monkeypatch):
    """A step of larger fleets that waits is found out."""
    own = sizing.take_step

    def slow(training, *given):
        time.sleep(0.005 * len(training.runs) ** 2)
        own(training, *given)

    monkeypatch.setattr(sizing, "take_step", slow)
    assert fastest_size(run(), problem(), largest=4) == 1


def test_sizes_that_do_not_fit_into_memory_are_not_tried(monkeypatch):
    seen = ratios(monkeypatch, {2: 0.8, 4: 0.6, 8: 0.4})
    used = iter([0, GIGABYTE, 2 * GIGABYTE, 4 * GIGABYTE])
    monkeypatch.setattr(sizing, "bytes_used", lambda device: next(used))
    monkeypatch.setattr(sizing, "_free", lambda device: 8 * GIGABYTE)
    assert fastest_size(run(), problem(), largest=8) == 4
    assert seen == [2, 4]


def test_a_size_whose_memory_runs_out_ends_the_timing(monkeypatch):
    ratios(monkeypatch, {2: 0.8, 4: 0.6})
    whole = Prepared.fleet

    def narrow(self, seeds):
        if len(seeds) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return whole(self, seeds)

    monkeypatch.setattr(Prepared, "fleet", narrow)
    assert fastest_size(run(), problem(), largest=4) == 2


def test_a_mistake_in_a_step_is_no_want_of_memory(monkeypatch):
    def broken(larger, fleet):
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(sizing, "_time_ratio", broken)
    with pytest.raises(RuntimeError, match="shapes"):
        fastest_size(run(), problem(), largest=2)


def test_a_study_is_timed_once(monkeypatch):
    ratios(monkeypatch, {2: 0.8, 4: 0.9})
    sweep(request(fleet=0, max_runs=4), quiet)
    assert store.read_plan(Path("study")).measured.fleet_size == 2
    assert table()["fleet_size"].tolist() == [2, 2, 2, 2]
    monkeypatch.setattr(sizing, "_doubling", None)
    sweep(request(fleet=0, max_runs=6), quiet)
    assert table()["fleet_size"].tolist() == [2] * 6


def test_a_size_that_is_given_is_not_timed(monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(sizing, "_doubling", None)
        sweep(request(fleet=3, max_runs=4), quiet)
    assert table()["fleet_size"].tolist() == [3, 3, 3, 1]
    ratios(monkeypatch, {2: 0.8, 4: 0.9})
    sweep(request(fleet=0, max_runs=8), quiet)  # the first to ask for auto
    assert store.read_plan(Path("study")).measured.fleet_size == 2
    assert table()["fleet_size"].tolist()[4:6] == [2, 2]


@pytest.mark.parametrize(("max_runs", "largest"), [(1, 1), (2, 2), (10, 4)])
def test_only_sizes_that_a_round_can_fill_are_timed(monkeypatch, max_runs, largest):
    seen = ratios(monkeypatch, {2: 0.8, 4: 0.6, 8: 0.5})
    sweep(request(fleet=0, max_runs=max_runs, smgd=0), quiet)
    assert max(seen, default=1) == largest


def test_a_step_that_fails_is_left_to_its_run(monkeypatch):
    monkeypatch.setattr(sizing, "begin", None)
    assert fastest_size(run(), problem(), largest=8) == 1


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
    assert store.read_plan(Path("study")).measured.largest_fleet == 1
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


def test_the_way_and_the_size_are_named():
    said = []
    sweep(request(max_runs=2), said.append)
    assert "fleets of 2 (as asked for), fused" in [e.text for e in said if isinstance(e, Note)]
