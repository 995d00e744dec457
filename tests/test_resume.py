"""A long fleet that is interrupted goes on from its last epoch, and ends as if it never was."""

import math
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from paretoprune.analysis.choice import find_knee
from paretoprune.analysis.snapshot import read_study
from paretoprune.errors import CorruptStudyError
from paretoprune.problem.build import Environment
from paretoprune.report.terminal.live_view import SweepView
from paretoprune.runner import checkpointing as keeper
from paretoprune.runner.checkpointing import FleetKeeper
from paretoprune.runner.confirm import confirm
from paretoprune.runner.events import Note, Progress
from paretoprune.runner.executors.executor import TimeIsUp
from paretoprune.runner.sweep import sweep
from paretoprune.study import storage as store
from paretoprune.study.run import SMGD
from paretoprune.training.train import train_fleet
from tests.problems import problem, run
from tests.test_failures import Failing
from tests.test_sweep import Interruption, assert_same_table, quiet, request, table

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
SWEEP = {"epochs": 4}


@pytest.fixture
def _every_epoch(monkeypatch):
    """Every fleet is a long one."""
    monkeypatch.setattr(keeper, "LONG", 0.0)
    monkeypatch.setattr(keeper, "SHARE", math.inf)


def fleet_of(changes):
    """Two runs that differ in their rate too, so that an optimizer has two groups."""
    own = run(lam=1e-4, **SHARED)
    first = replace(own, **changes)
    return [first, replace(first, seed=1, learning_rate=first.learning_rate / 2)]


def keeper_of(runs, deadline=math.inf):
    return FleetKeeper(Path(), runs, quiet, deadline)


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
        assert replace(one.point, **times) == replace(other.point, **times)
        assert one.history == other.history
        for name, value in one.weights.items():
            np.testing.assert_array_equal(value, other.weights[name], err_msg=name)


@pytest.mark.usefixtures("_every_epoch")
def test_time_before_the_interruption_counts():
    task, runs = problem(), fleet_of({})
    with pytest.raises(KeyboardInterrupt):
        train_fleet(runs, task, interrupted_at(8), keeper_of(runs))
    began = keeper_of(runs).load()
    later = train_fleet(runs, task, silent, keeper_of(runs))[0].point
    assert later.started_at == began.started_at
    assert later.seconds * len(runs) > began.seconds > 0


@pytest.mark.usefixtures("_every_epoch")
@pytest.mark.parametrize("count", [7, *(pytest.param(n, marks=pytest.mark.slow) for n in (20, 34))])
@pytest.mark.slow
def test_an_interrupted_sweep_of_long_fleets_equals_an_undisturbed_one(count):
    sweep(request("whole", settings=SWEEP, max_runs=6, smgd=1), quiet)
    assert not checkpoints("whole")
    with pytest.raises(KeyboardInterrupt):
        sweep(request(settings=SWEEP, max_runs=6, smgd=1), Interruption(Progress, count))
    (left,) = checkpoints("study")
    assert left.removesuffix(".safetensors") not in set(table()["run_id"])
    events = []
    sweep(request(settings=SWEEP, max_runs=6, smgd=1), events.append)
    assert any("was interrupted" in event.text for event in events if isinstance(event, Note))
    assert not Path("study/checkpoints").exists()
    assert_same_table(table(), table("whole"))


def test_a_short_fleet_is_not_written_down():
    task, runs = problem(), fleet_of({})
    train_fleet(runs, task, silent, keeper_of(runs))
    assert not checkpoints()


@pytest.mark.usefixtures("_every_epoch")
def test_epochs_are_left_out_where_writing_costs_more_than_its_share(monkeypatch):
    monkeypatch.setattr(keeper, "SHARE", 0.0)
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
def test_the_time_budget_ends_a_long_fleet_after_an_epoch_and_the_next_call_goes_on():
    asked = {"settings": SWEEP, "max_runs": 4, "fleet": 4}
    first = sweep(request(time_budget=1e-3, **asked), quiet)
    assert (first.ending, len(first.points), len(checkpoints("study"))) == ("kept", 0, 1)
    endings = [sweep(request(time_budget=1e-3, **asked), quiet).ending for _ in range(3)]
    assert endings == ["kept", "kept", "budget"]  # an epoch each; the fourth is the last
    sweep(request("whole", **asked), quiet)
    assert_same_table(table(), table("whole"))


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
    keeping = FleetKeeper(Path(), runs, notes.append, deadline=0.0)
    outcomes = train_fleet(runs, task, silent, keeping)  # not even its deadline ends it unkept
    assert [outcome.point.status for outcome in outcomes] == ["done", "done"]
    assert "cannot write" in notes[0].text


def spoil(path, how):
    """Make a checkpoint of two epochs unusable."""
    if how == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "link":
        path.rename("elsewhere")
        path.symlink_to(Path("elsewhere").absolute())
    else:
        with store.checkpoints.safe_open(path, framework="numpy") as file:
            facts = file.metadata()
        tensors = load_file(path)
        if how == "facts":
            facts["seconds"] = "many"
        elif how == "endless":
            facts["seconds"] = "inf"
        elif how == "no time":
            facts["started_at"] = "\x1b[2J"
        elif how == "weights":
            tensors["network/1.weight"] = np.zeros((3, 3), np.float32)
        elif how == "optimizer":
            tensors["optimizer/both/0/exp_avg"] = np.zeros((2, 1), np.float32)
        elif how == "unknown":
            tensors["optimizer/both/77/exp_avg"] = np.zeros((2, 1), np.float32)
        elif how == "history":
            tensors["history/val_loss"] = tensors["history/val_loss"][:1]
        elif how == "missing":
            del tensors["history/val_loss"]
        save_file(tensors, path, facts)


HOSTILE = ["empty", "link", "facts", "endless", "optimizer", "unknown", "history", "missing"]


@pytest.mark.usefixtures("_every_epoch")
@pytest.mark.parametrize(
    "how",
    ["cut", "weights", "no time", *(pytest.param(how, marks=pytest.mark.slow) for how in HOSTILE)],
)
def test_a_checkpoint_that_cannot_be_used_is_named_and_nothing_is_recorded(how):
    with pytest.raises(KeyboardInterrupt):
        sweep(request(settings=SWEEP), Interruption(Progress, 14))
    (left,) = Path("study/checkpoints").iterdir()
    spoil(left, how)
    with pytest.raises(CorruptStudyError, match=rf"{left.name} (cannot be read|is a link).*remove"):
        sweep(request(settings=SWEEP), quiet)
    assert table().empty
    os.unlink(left)  # noqa: PTH108 - as the sentence says
    assert sweep(request(settings=SWEEP, max_runs=4), quiet).ending == "budget"


@pytest.mark.usefixtures("_every_epoch")
def test_a_fleet_that_is_trained_again_goes_on_too():
    asked = {"settings": SWEEP, "max_runs": 4, "fleet": 2}
    sweep(request(**asked), quiet, Failing(1))
    with pytest.raises(KeyboardInterrupt):
        sweep(request(is_retry=True, **asked), Interruption(Progress, 14))
    (left,) = checkpoints("study")
    assert left.removesuffix(".safetensors") in set(table()["run_id"])
    events = []
    sweep(request(is_retry=True, **asked), events.append)
    assert any("was interrupted" in event.text for event in events if isinstance(event, Note))
    assert not checkpoints("study")
    assert set(table()["status"]) == {"done"}


@pytest.mark.usefixtures("_every_epoch")
def test_a_confirmation_goes_on_too():
    sweep(request(max_runs=6), quiet)
    reading = read_study(Path("study"))
    choice = find_knee(reading, "chord")
    with pytest.raises(KeyboardInterrupt):
        confirm(reading, choice, Environment(), Interruption(Progress, 10), epochs=5)
    assert len(checkpoints("study")) == 1
    events = []
    assert confirm(reading, choice, Environment(), events.append, epochs=5).is_done
    assert not checkpoints("study")
    first = next(event for event in events if isinstance(event, Progress))
    assert first.step > first.steps / 5


@pytest.mark.usefixtures("_every_epoch")
def test_a_fleet_that_goes_on_is_estimated_by_its_own_steps(capsys):
    asked = request(settings=SWEEP, max_runs=2, fleet=2)
    with pytest.raises(KeyboardInterrupt):
        sweep(asked, Interruption(Progress, 20))  # of 24 steps: six are left
    events = []
    sweep(asked, events.append)
    (first, second, *_) = (event for event in events if isinstance(event, Progress))
    view = SweepView()
    view(first)
    assert first.step > 1
    assert "or so in all" not in capsys.readouterr().err
    for _ in range(20):
        view(second)
    assert "or so in all" in capsys.readouterr().err
