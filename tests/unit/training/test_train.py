"""A run from its first epoch to its last: history, warm-up, collapse, seeds."""

import math

import numpy as np
import pytest
import torch

from paretoprune.training.train import train_fleet
from tests.support.problems import new_problem, problem, run


def silent(step, steps):
    """Report to nobody."""


def test_history_has_a_row_an_epoch_and_ends_at_the_point():
    outcome = train_fleet([run(lam=1e-3, epochs=3)], problem(), silent)[0]
    history, values = outcome.history, outcome.point.values
    assert history["epoch"] == [1, 2, 3]
    for name in ("val_loss", "val_error", "complexity", "nonzeros"):
        assert history[name][-1] == pytest.approx(values[name])
    assert history["train_loss"][2] < history["train_loss"][0]
    assert history["loss_weight"] == pytest.approx([0.999] * 3)
    assert history["complexity_weight"] == pytest.approx([0.001] * 3)


def test_lam_rises_evenly_while_a_run_warms_up():
    task = problem()
    steps = math.ceil(len(task.problem.data.train) / 32)  # an epoch's
    history = train_fleet([run(lam=0.01, epochs=4, warm_up=0.5)], task, silent)[0].history
    shares = np.minimum(np.arange(4 * steps) / (2 * steps), 1).reshape(4, steps).mean(1)
    assert history["complexity_weight"] == pytest.approx(0.01 * shares)
    assert history["loss_weight"] == pytest.approx(1 - 0.01 * shares)


def test_a_network_that_warms_up_survives_a_lam_that_kills_it_otherwise():
    killed, kept = (
        train_fleet([run(lam=0.03, epochs=20, warm_up=warm_up)], problem(), silent)[0].point
        for warm_up in (0.0, 0.5)
    )
    assert killed.values["collapsed"]
    assert not kept.values["collapsed"]


def test_a_large_lam_collapses_and_says_so():
    dead, alive = (
        outcome.point
        for outcome in train_fleet(
            [run(lam=0.5, epochs=6), run(lam=1e-4, epochs=6)], problem(), silent
        )
    )
    assert dead.values["collapsed"]
    assert not alive.values["collapsed"]
    assert dead.values["val_loss"] > 0.99 * math.log(10)


def test_seeds_change_initial_weights_and_nothing_else():
    task = problem()
    assert not torch.equal(task.problem.network(0)[1].weight, task.problem.network(1)[1].weight)
    assert torch.equal(task.problem.network(1)[1].weight, task.problem.network(1)[1].weight)
    assert torch.equal(task.problem.order(0), new_problem().problem.order(0))
    assert not torch.equal(task.problem.order(0), task.problem.order(1))
