"""Sweeps of long fleets that are interrupted, and checkpoints that cannot be used."""

import math
import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from paretoprune.analysis.choice import find_knee
from paretoprune.analysis.snapshot import load_study
from paretoprune.errors import CorruptStudyError
from paretoprune.problem.build import Environment
from paretoprune.report.terminal.live_view import SweepView
from paretoprune.runner import checkpointing as checkpointer
from paretoprune.runner.confirm import confirm
from paretoprune.runner.events import Note, Progress
from paretoprune.runner.sweep import sweep
from paretoprune.study import storage
from tests.support.executors import Failing
from tests.support.sweeps import Interruption, assert_same_table, quiet, request, table

SWEEP = {"epochs": 4}


@pytest.fixture
def _every_epoch(monkeypatch):
    """Every fleet is a long one."""
    monkeypatch.setattr(checkpointer, "LONG", 0.0)
    monkeypatch.setattr(checkpointer, "SHARE", math.inf)


def checkpoints(folder="."):
    return sorted(path.name for path in Path(folder).glob("checkpoints/*"))


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


@pytest.mark.usefixtures("_every_epoch")
def test_the_time_budget_ends_a_long_fleet_after_an_epoch_and_the_next_call_goes_on():
    asked = {"settings": SWEEP, "max_runs": 4, "fleet": 4}
    first = sweep(request(time_budget=1e-3, **asked), quiet)
    assert (first.ending, len(first.points), len(checkpoints("study"))) == ("kept", 0, 1)
    endings = [sweep(request(time_budget=1e-3, **asked), quiet).ending for _ in range(3)]
    assert endings == ["kept", "kept", "budget"]  # an epoch each; the fourth is the last
    sweep(request("whole", **asked), quiet)
    assert_same_table(table(), table("whole"))


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
        with storage.checkpoints.safe_open(path, framework="numpy") as file:
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
def test_a_confirmation_goes_on_too(swept):
    swept(max_runs=6)
    snapshot = load_study(Path("study"))
    choice = find_knee(snapshot, "chord")
    with pytest.raises(KeyboardInterrupt):
        confirm(snapshot, choice, Environment(), Interruption(Progress, 10), epochs=5)
    assert len(checkpoints("study")) == 1
    events = []
    assert confirm(snapshot, choice, Environment(), events.append, epochs=5).is_done
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
