"""The size of a fleet does not change its networks, but for fleets of one."""

from pathlib import Path

import pytest
import torch

from paretoprune.analysis.choice import find_knee
from paretoprune.analysis.snapshot import load_study
from paretoprune.problem.build import Environment
from paretoprune.runner.confirm import confirm
from paretoprune.runner.executors.local import LocalExecutor
from paretoprune.runner.sweep import sweep
from paretoprune.training.optimizers import OPTIMIZERS, StackedOptimizer
from tests.support.sweeps import assert_same_table, quiet, request, table


def test_fleets_of_any_size_from_two_give_the_same_table():
    settings = {"epochs": 8, "batch_size": 64, "round_size": 6}
    for size in (2, 3, 6):
        sweep(request(f"of {size}", settings, fleet=size, max_runs=6), quiet)
    first, *others = (table(f"of {size}").drop(columns="fleet_size") for size in (2, 3, 6))
    for other in others:
        assert_same_table(other, first)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_networks_steps_do_not_depend_on_the_others(optimizer):
    """Fused Adam rounds the last elements of a tensor apart; 37 is no multiple of a register."""
    torch.manual_seed(0)
    value, directions = torch.randn(8, 37), 1e-3 * torch.randn(50, 8, 37)
    moved = []
    for fleet in (slice(3, 4), slice(0, 4), slice(3, 5), slice(0, 8)):
        own = value[fleet].clone()
        updates = StackedOptimizer(optimizer, [own], [0.01] * len(own), 0.0)
        for direction in directions:
            updates.step([direction[fleet]], 1.0)
        moved.append(own[3 - fleet.start])
    assert all(torch.equal(one, moved[0]) for one in moved)


class Seen(LocalExecutor):
    """Remembers how the optimizers of its fleets see the networks."""

    def __init__(self):
        self.is_stacked = []

    def submit(self, fn, /, runs, prepared, *more):
        self.is_stacked.append(prepared.is_stacked)
        return super().submit(fn, runs, prepared, *more)


def test_an_older_study_goes_on_with_one_tensor_for_all():
    """Its table would change otherwise; a new study says in its settings that it does not."""
    new, old = Seen(), Seen()
    sweep(request(max_runs=2), quiet, new)
    assert set(new.is_stacked) == {False}
    settings = Path("study/study.toml").read_text()
    Path("study/study.toml").write_text(settings.replace("is_stacked = false\n", ""))
    sweep(request(max_runs=4), quiet, old)
    snapshot = load_study(Path("study"))
    confirm(snapshot, find_knee(snapshot, "one-se"), Environment(), quiet, 3, old)
    assert set(old.is_stacked) == {True}


def test_an_optimizer_on_one_tensor_is_torchs_own():
    torch.manual_seed(0)
    value, directions = torch.randn(3, 37), torch.randn(5, 3, 37)
    own, torchs = value.clone(), value.clone()
    updates = StackedOptimizer("adam", [own], [0.01] * 3, 0.0, is_stacked=True)
    optimizer = torch.optim.Adam([torchs], lr=0.01, fused=True)
    for direction in directions:
        updates.step([direction], 1.0)
        torchs.grad = direction
        optimizer.step()
    assert torch.equal(own, torchs)
