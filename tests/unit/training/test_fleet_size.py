"""Fleet sizes: the rule for new studies, and what older studies keep."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from paretoprune.problem.build import Environment
from paretoprune.runner import dry_run
from paretoprune.runner.events import Note
from paretoprune.runner.sweep import sweep
from paretoprune.study import storage
from paretoprune.study.settings import Settings
from paretoprune.training import fleet_size as rule
from paretoprune.training.fleet_size import activation_bytes, memory_of_network, usual_fleet_size
from tests.support.problems import problem
from tests.support.sweeps import assert_same_table, quiet, request, table


def memory(monkeypatch, networks, task, settings):
    """Let a device have memory for so many networks, of which a fleet may take half."""
    total = 2 * networks * memory_of_network(task, settings)
    monkeypatch.setattr(rule, "total_memory", lambda device: total)


@pytest.mark.parametrize(
    ("networks", "size"), [(100, 6), (6, 6), (5, 3), (3, 3), (2, 1), (1, 1), (0, 1)]
)
def test_the_rule_halves_the_size_of_a_round_until_it_fits(monkeypatch, networks, size):
    task, settings = problem().problem, Settings(round_size=6)
    memory(monkeypatch, networks, task, settings)
    assert usual_fleet_size(task, settings) == size


def test_the_memory_of_a_network_is_that_of_its_tensors():
    """An MLP keeps its inputs and activations, of a batch, and five copies of its weights."""
    task = problem().problem
    network = task.network(0)
    weights = sum(parameter.numel() for parameter in network.parameters())
    small, large = (memory_of_network(task, Settings(batch_size=size)) for size in (10, 110))
    assert small >= 4 * 5 * weights
    assert memory_of_network(task, Settings(batch_size=10, recipe="paper", search="grid")) > small
    widths = [layer.out_features for layer in network.modules() if hasattr(layer, "out_features")]
    assert (large - small) / 100 >= 2 * 4 * sum(widths)  # bytes of a sample
    assert (large - small) / 100 <= 2 * 4 * 3 * (sum(widths) + 64)


def of_model(model, batch_size=64):
    """The activations of a model on the digits, in bytes."""
    task = replace(problem().problem, model=model)
    return activation_bytes(task, Settings(batch_size=batch_size))


def test_no_batch_is_larger_than_the_data():
    task = problem().problem
    whole = activation_bytes(task, Settings(batch_size=len(task.data.train)))
    assert activation_bytes(task, Settings(batch_size=1_000_000)) == whole


class Doubled(nn.Module):
    """Weights that are computed in `forward`, as weight normalization does."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(10, 64))

    def forward(self, x):
        return x.flatten(1) @ (2 * self.weight.exp()).T


def test_what_does_not_depend_on_the_batch_counts_once():
    """Two tensors as large as the weights are kept, whatever the batch."""
    assert 4 * 640 <= of_model(Doubled, batch_size=2) <= 3 * 4 * 640 + 2 * 4 * 100
    assert of_model(Doubled, batch_size=100) - of_model(Doubled, batch_size=2) <= 98 * 4 * 100


class Sparse(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.mixing = nn.Linear(64, 10), torch.eye(10).to_sparse()

    def forward(self, x):
        return torch.sparse.mm(self.mixing, self.layer(x.flatten(1)).T).T


class Differentiating(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(64, 10)

    def forward(self, x):
        x = x.flatten(1)
        return self.layer(x + torch.func.grad(lambda values: values.square().sum())(x))


def test_sparse_tensors_are_counted():
    assert of_model(Sparse) > 0


def test_a_model_that_cannot_be_observed_is_trained_all_the_same_and_said():
    assert of_model(Differentiating) is None
    said = []
    asked = replace(
        request(fleet=0, settings={"model": "m:m"}, max_runs=2),
        environment=Environment(model=Differentiating),
    )
    sweep(asked, said.append)
    notes = [event.text for event in said if isinstance(event, Note)]
    assert any("activations cannot be estimated" in note for note in notes)
    assert (table()["status"] == "done").all()


class Changing(nn.Module):
    """Changes its inputs in place."""

    def __init__(self):
        super().__init__()
        self.layer, self.leaky = nn.Linear(64, 10), nn.LeakyReLU(inplace=True)

    def forward(self, x):
        return self.layer(self.leaky(x).flatten(1))


def test_a_forward_that_changes_its_inputs_changes_no_data():
    """Neither the estimate, nor training and evaluation, nor the counting of FLOPs."""
    inputs, targets = (
        torch.randn(100, 64, generator=torch.Generator().manual_seed(0)),
        torch.arange(100) % 10,
    )
    before = inputs.clone()
    asked = replace(
        request(settings={"model": "m:m", "dataset": "d:d"}, max_runs=4),
        environment=Environment(model=Changing, data=((inputs, targets), (inputs, targets))),
    )
    sweep(replace(asked, folder=Path("whole")), quiet)
    assert torch.equal(inputs, before)
    sweep(replace(asked, folder=Path("parts"), budget={**asked.budget, "max_runs": 2}), quiet)
    sweep(replace(asked, folder=Path("parts")), quiet)
    assert_same_table(table("parts"), table("whole"))


def test_estimating_memory_leaves_random_states_alone():
    task = problem().problem
    state = torch.get_rng_state()
    memory_of_network(task, Settings())
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
    assert any("over half of the memory; --fleet 4 asks for it all the same" in n for n in notes)
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
