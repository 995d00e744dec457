"""Fleet sizes: the rule for new studies, and what older studies keep."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from paretoprune.runner import dry_run
from paretoprune.runner.events import Note
from paretoprune.runner.sweep import sweep
from paretoprune.study import storage
from paretoprune.study.settings import Settings
from paretoprune.training import fleet_size as rule
from paretoprune.training.fleet_size import memory_of_network, usual_fleet_size
from tests.support.problems import problem
from tests.support.sweeps import assert_same_table, quiet, request, table


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
    sweep(request(fleet=0, settings={"round_size": 3}, max_runs=4), quiet)
    assert storage.read_plan(Path("study")).measured.fleet_size == 3
    assert sizes()[:3] == [3, 3, 3]
    sweep(request(fleet=0, settings={"round_size": 3}, max_runs=5, repeats=2), quiet)
    assert storage.read_plan(Path("study")).measured.fleet_size == 3
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
    plan = storage.read_plan(Path("study"))
    storage.write_plan(Path("study"), replace(plan, measured=replace(plan.measured, fleet_size=2)))
    sweep(request(fleet=0, max_runs=10), quiet)
    assert max(sizes()) == 2


def test_a_study_of_an_older_version_that_never_timed_trains_a_round_at_a_time():
    sweep(request(fleet=2, max_runs=2), quiet)
    plan = storage.read_plan(Path("study"))
    storage.write_plan(Path("study"), replace(plan, measured=replace(plan.measured, fleet_size=0)))
    sweep(request(fleet=0, max_runs=10), quiet)
    assert max(sizes()) == 4


def test_the_way_and_the_size_are_named():
    said = []
    sweep(request(max_runs=2), said.append)
    assert "fleets of 2 (as asked for), fused" in [e.text for e in said if isinstance(e, Note)]
