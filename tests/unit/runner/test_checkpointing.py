"""Checkpoints of a long fleet: it goes on from its last epoch as if it was never interrupted."""

import math
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from paretoprune.runner import checkpointing as checkpointer
from paretoprune.runner.checkpointing import CheckpointPolicy
from paretoprune.runner.executors.executor import TimeIsUp
from paretoprune.training.methods.smgd import NAME as SMGD
from paretoprune.training.train import train_fleet
from tests.support.problems import problem, run
from tests.support.sweeps import quiet

EPOCHS = 4
SHARED = {"epochs": EPOCHS, "batch_size": 100}  # 256 images: the last batch is a smaller one
SEPARATE = {"method": SMGD, "lam": None, "moments": "separate"}
CASES = {
    "adam": ("mlp", {"warm_up": 0.6}),
    "sgd": ("mlp", {"optimizer": "sgd", "momentum": 0.9}),
    "sgd without momentum": ("mlp", {"optimizer": "sgd", "schedule": "logistic"}),
    "rmsprop": ("mlp", {"optimizer": "rmsprop", "momentum": 0.5, "learning_rate": 1e-3}),
    "separate moments": ("lenet5", SEPARATE),
    "split": ("lenet5", {**SEPARATE, "moments": "joint", "split": True, "l2_conv": 2000.0}),
    "batch norm and dropout": ("vgg", {}),
}


@pytest.fixture
def _every_epoch(monkeypatch):
    """Every fleet is a long one."""
    monkeypatch.setattr(checkpointer, "LONG", 0.0)
    monkeypatch.setattr(checkpointer, "SHARE", math.inf)


def fleet_of(changes):
    """Two runs that differ in their rate too, so that an optimizer has two groups."""
    own = run(lam=1e-4, **SHARED)
    first = replace(own, **changes)
    return [first, replace(first, seed=1, learning_rate=first.learning_rate / 2)]


def keeper_of(runs, deadline=math.inf):
    return CheckpointPolicy(Path(), runs, quiet, deadline)


def interrupted_at(step):
    def report(done, steps):
        if done == step:
            raise KeyboardInterrupt

    return report


def silent(step, steps):
    """Report nothing."""


def checkpoints(folder="."):
    return sorted(path.name for path in Path(folder).glob("checkpoints/*"))


@pytest.mark.usefixtures("_every_epoch")
@pytest.mark.parametrize("case", CASES)
def test_a_fleet_that_goes_on_ends_bit_for_bit_as_it_would_have(case):
    model, changes = CASES[case]
    task, runs = problem(model), fleet_of(changes)
    whole = train_fleet(runs, task, silent)
    for step in (4, 8, 9):  # in the second, third and at the end of the third of four epochs
        with pytest.raises(KeyboardInterrupt):
            train_fleet(runs, task, interrupted_at(step), keeper_of(runs))
    first = []
    resumed = train_fleet(
        runs, task, lambda step, steps: first.append((step, steps)), keeper_of(runs)
    )
    assert first[0] == (7, 12)  # the third epoch, which was interrupted twice
    for one, other in zip(whole, resumed, strict=True):
        times = {"seconds": 0.0, "started_at": ""}
        untimed = (replace(o.point, values=o.point.values | times) for o in (one, other))
        assert next(untimed) == next(untimed)
        assert one.history == other.history
        for name, value in one.weights.items():
            np.testing.assert_array_equal(value, other.weights[name], err_msg=name)


@pytest.mark.usefixtures("_every_epoch")
def test_time_before_the_interruption_counts():
    task, runs = problem(), fleet_of({})
    with pytest.raises(KeyboardInterrupt):
        train_fleet(runs, task, interrupted_at(8), keeper_of(runs))
    began = keeper_of(runs).load()
    later = train_fleet(runs, task, silent, keeper_of(runs))[0].point.values
    assert later["started_at"] == began.started_at
    assert later["seconds"] * len(runs) > began.seconds > 0


def test_a_short_fleet_is_not_written_down():
    task, runs = problem(), fleet_of({})
    train_fleet(runs, task, silent, keeper_of(runs))
    assert not checkpoints()


@pytest.mark.usefixtures("_every_epoch")
def test_epochs_are_left_out_where_writing_costs_more_than_its_share(monkeypatch):
    monkeypatch.setattr(checkpointer, "SHARE", 0.0)
    runs = fleet_of({})
    keeping, calls = keeper_of(runs), []

    def state():
        calls.append(1)
        return {"x": np.zeros(1)}

    for epoch in (1, 2, 3):
        keeping.save(epoch, 1000.0 * epoch, "now", state)
    assert len(calls) == 1


@pytest.mark.usefixtures("_every_epoch")
def test_another_fleet_does_not_take_what_is_kept_of_this_one():
    task, runs = problem(), fleet_of({})
    with pytest.raises(KeyboardInterrupt):
        train_fleet(runs, task, interrupted_at(8), keeper_of(runs))
    assert keeper_of(runs).load() is not None
    assert keeper_of(runs[:1]).load() is None  # --fleet 1 now
    assert keeper_of(runs[::-1]).load() is None


@pytest.mark.usefixtures("_every_epoch")
def test_a_keeper_knows_when_another_epoch_would_end_too_late():
    runs = fleet_of({})
    soon = keeper_of(runs, deadline=time.time() + 60)
    soon.save(1, 30.0, "now", lambda: {"x": np.zeros(1)})
    with pytest.raises(TimeIsUp):
        soon.save(2, 200.0, "now", lambda: {"x": np.zeros(1)})


@pytest.mark.usefixtures("_every_epoch")
def test_a_training_goes_on_where_its_checkpoint_cannot_be_written():
    Path("checkpoints").write_text("a file in the way")
    task, runs, notes = problem(), fleet_of({}), []
    keeping = CheckpointPolicy(Path(), runs, notes.append, deadline=0.0)
    outcomes = train_fleet(runs, task, silent, keeping)  # not even its deadline ends it unkept
    assert [outcome.point.status for outcome in outcomes] == ["done", "done"]
    assert "cannot write" in notes[0].text
