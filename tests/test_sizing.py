"""Fleet sizes: the rule for new studies, the advice of `check`, and half where memory is full."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from paretoprune.problem.device import is_full
from paretoprune.runner import dry_run
from paretoprune.runner.dry_run import check, fastest_size
from paretoprune.runner.events import Note, Recorded
from paretoprune.runner.executors.local import LocalExecutor
from paretoprune.runner.sweep import sweep
from paretoprune.study import storage as store
from paretoprune.study.settings import Settings
from paretoprune.training import fleet_size as rule
from paretoprune.training.fleet_size import memory_of_network, usual_fleet_size
from paretoprune.training.prepare import Prepared
from tests.problems import problem, run
from tests.test_sweep import Interruption, assert_same_table, quiet, request, table


def ratios(monkeypatch, of):
    """Let a fleet take `of[its size]` times as long for a network's step as any smaller one."""
    tried = []

    def ratio(larger, fleet):
        tried.append(len(larger.runs))
        return of[len(larger.runs)] / of.get(len(fleet.runs), 1.0)

    monkeypatch.setattr(dry_run, "_time_ratio", ratio)
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
    own = dry_run.take_step

    def slow(training, *given):
        time.sleep(0.005 * len(training.runs) ** 2)
        own(training, *given)

    monkeypatch.setattr(dry_run, "take_step", slow)
    assert fastest_size(run(), problem(), largest=4) == 1


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

    monkeypatch.setattr(dry_run, "_time_ratio", broken)
    with pytest.raises(RuntimeError, match="shapes"):
        fastest_size(run(), problem(), largest=2)


def test_check_advises_a_faster_size(monkeypatch, paretoprune):
    ratios(monkeypatch, {2: 0.8, 4: 0.6, 8: 1.0})
    answer = paretoprune("check", "--round=8")
    assert "in fleets of 8;" in answer.out
    assert "fleets of 4 are faster on this machine: --fleet 4" in answer.out


def test_check_times_no_size_that_is_given(monkeypatch):
    seen = ratios(monkeypatch, {})
    found = check(request(fleet=3))
    assert (found.fleet_size, found.fastest_fleet_size, seen) == (3, 3, [])


def memory(monkeypatch, networks, one, settings):
    """Let a device have memory for so many networks, of which a fleet may take half."""
    total = 2 * networks * memory_of_network(one, settings.batch_size)
    monkeypatch.setattr(rule, "total_memory", lambda device: total)


@pytest.mark.parametrize(
    ("networks", "size"), [(100, 6), (6, 6), (5, 3), (3, 3), (2, 1), (1, 1), (0, 1)]
)
def test_the_rule_halves_the_size_of_a_round_until_it_fits(monkeypatch, networks, size):
    one, settings = problem().problem, Settings(round_size=6)
    memory(monkeypatch, networks, one, settings)
    assert usual_fleet_size(one, settings) == size


def test_the_memory_of_a_network_is_that_of_its_tensors():
    """An MLP keeps its inputs and activations, of a batch, and five copies of its weights."""
    one = problem().problem
    network = one.network(0)
    weights = sum(parameter.numel() for parameter in network.parameters())
    small, large = (memory_of_network(one, batch) for batch in (10, 110))
    assert small >= 4 * 5 * weights
    widths = [layer.out_features for layer in network.modules() if hasattr(layer, "out_features")]
    assert (large - small) / 100 >= 2 * 4 * sum(widths)  # bytes of a sample
    assert (large - small) / 100 <= 2 * 4 * 3 * (sum(widths) + 64)


def test_estimating_memory_leaves_random_states_alone():
    one = problem().problem
    state = torch.get_rng_state()
    memory_of_network(one, 10)
    assert torch.equal(torch.get_rng_state(), state)


def sizes(folder="study"):
    return table(folder)["fleet_size"].tolist()


def test_a_new_study_trains_a_round_at_a_time():
    """Neither the number of runs, nor that of seeds, nor the time that a step takes matters."""
    sweep(request(fleet=0, settings={"round_size": 3}, max_runs=5), quiet)
    assert store.read_plan(Path("study")).measured.fleet_size == 3
    assert sizes()[:3] == [3, 3, 3]
    sweep(request(fleet=0, settings={"round_size": 3}, max_runs=8, repeats=2), quiet)
    assert store.read_plan(Path("study")).measured.fleet_size == 3
    assert max(sizes()) == 3


def test_two_studies_with_the_same_options_are_the_same(monkeypatch):
    monkeypatch.setattr(dry_run, "_time_ratio", None)  # nothing is timed
    for folder in ("one", "other"):
        sweep(request(folder, fleet=0, max_runs=4), quiet)
    assert_same_table(table("one"), table("other"))


def test_where_memory_is_small_a_new_study_says_so_and_keeps_the_size(monkeypatch):
    said = []
    with monkeypatch.context() as small:
        small.setattr(rule, "total_memory", lambda device: 0)
        sweep(request(fleet=0, max_runs=2), said.append)
    notes = [event.text for event in said if isinstance(event, Note)]
    assert "fleets of 1 (chosen when the study began), fused" in notes
    assert any("over half of the memory: --fleet 2 asks for it all the same" in n for n in notes)
    sweep(request(fleet=0, max_runs=4), quiet)
    assert sizes() == [1] * 4


def test_a_study_of_an_older_version_keeps_the_size_that_it_timed():
    sweep(request(fleet=0, max_runs=2), quiet)
    plan = store.read_plan(Path("study"))
    store.write_plan(Path("study"), replace(plan, measured=replace(plan.measured, fleet_size=2)))
    sweep(request(fleet=0, max_runs=10), quiet)
    assert max(sizes()) == 2


def test_a_study_of_an_older_version_that_never_timed_trains_a_round_at_a_time():
    sweep(request(fleet=2, max_runs=2), quiet)
    plan = store.read_plan(Path("study"))
    store.write_plan(Path("study"), replace(plan, measured=replace(plan.measured, fleet_size=0)))
    sweep(request(fleet=0, max_runs=10), quiet)
    assert max(sizes()) == 4


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
