"""A choice, trained for the full epochs."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from paretoprune.analysis.choice import find_constrained, find_knee
from paretoprune.analysis.constraints import parse_constraint
from paretoprune.analysis.snapshot import load_study
from paretoprune.errors import UsageError
from paretoprune.problem.build import Environment
from paretoprune.runner.confirm import beaten_by, confirm
from paretoprune.runner.events import Progress
from paretoprune.runner.executors.local import LocalExecutor
from paretoprune.runner.loop import predicted
from paretoprune.runner.rounds import Round
from paretoprune.runner.sweep import sweep
from paretoprune.study import storage
from tests.support.executors import OutOfLuck
from tests.support.problems import run
from tests.support.sweeps import quiet, request

PLACE = Environment()


@pytest.fixture
def snapshot(swept):
    swept(max_runs=6)
    return load_study(Path("study"))


class Forbidden(LocalExecutor):
    def submit(self, fn, /, *args, **kwargs):
        raise AssertionError("nothing should be trained")


def test_the_knees_lam_is_trained_three_times_as_long(snapshot):
    choice, events = find_knee(snapshot), []
    confirmation = confirm(snapshot, choice, PLACE, events.append)
    row, network = confirmation.row, choice.front.loc[choice.network]
    assert (row["role"], row["status"], row["epochs"]) == ("confirmation", "done", 6)
    assert (row["lam"], row["seed"]) == (network["lam"], network["seed"])
    assert row["run_id"] != network["run_id"]
    assert row["train_loss"] < network["train_loss"]
    assert (Path("study") / row["weights"]).is_file()
    assert len(pd.read_parquet(Path("study") / "history" / f"{row['run_id']}.parquet")) == 6
    steps = [event for event in events if isinstance(event, Progress)]
    assert steps[-1].runs_done == steps[-1].runs_total == 1


def test_a_confirmation_changes_neither_search_nor_front(snapshot, undisturbed):
    confirm(snapshot, find_knee(snapshot), PLACE, quiet)
    after = load_study(Path("study"))
    assert after.front["run_id"].tolist() == snapshot.front["run_id"].tolist()
    again = sweep(request(max_runs=10), quiet)
    expected = storage.read(undisturbed)
    searched = again.points[again.points["role"] == "search"]
    assert searched["run_id"].tolist() == expected["run_id"].tolist()


def test_what_was_confirmed_is_not_trained_again(snapshot):
    choice = find_knee(snapshot)
    first = confirm(snapshot, choice, PLACE, quiet)
    second = confirm(snapshot, choice, PLACE, quiet, executor=Forbidden())
    assert second.row["run_id"] == first.row["run_id"]
    other = confirm(snapshot, choice, PLACE, quiet, epochs=3)
    assert other.row["epochs"] == 3


def test_dominated_or_not_is_said_by_whom(snapshot):
    front = snapshot.front
    row = front.iloc[0]
    assert beaten_by(snapshot, row).empty
    worse = row.copy()
    worse["val_loss"] *= 1.0001
    assert beaten_by(snapshot, worse)["run_id"].tolist() == [row["run_id"]]


@pytest.mark.parametrize("epochs", [2, 0, -1])
def test_epochs_that_confirm_nothing_are_refused(snapshot, epochs):
    with pytest.raises(UsageError, match=f"--epochs {epochs}"):
        confirm(snapshot, find_knee(snapshot), PLACE, quiet, epochs=epochs)


def test_without_a_knee_there_is_nothing_to_confirm(snapshot):
    choice = replace(find_knee(snapshot), network=None, reason="two points")
    with pytest.raises(UsageError, match=r"nothing to confirm.*two points"):
        confirm(snapshot, choice, PLACE, quiet)


def test_a_failed_confirmation_is_a_row_with_its_reason(snapshot):
    confirmation = confirm(snapshot, find_knee(snapshot), PLACE, quiet, executor=OutOfLuck(good=0))
    assert not confirmation.is_done
    assert not confirmation.is_nondominated
    assert "too small" in confirmation.row["failure"]
    again = sweep(request(max_runs=6), quiet)
    assert again.unsuccessful == 0  # of the search


def test_a_failed_confirmation_can_be_tried_again(snapshot):
    choice = find_knee(snapshot)
    confirm(snapshot, choice, PLACE, quiet, executor=OutOfLuck(good=0))
    assert confirm(snapshot, choice, PLACE, quiet).is_done
    points = storage.read(Path("study"))
    assert points["run_id"].is_unique
    assert len(points) == 7


def test_a_confirmation_is_no_measure_of_the_searchs_time(snapshot):
    confirm(snapshot, find_knee(snapshot), PLACE, quiet, epochs=30)
    round_ = Round(number=1, runs=(run(lam=0.1),) * 4)
    after = storage.read(Path("study"))
    assert predicted(after, round_) == predicted(snapshot.points, round_)


def test_the_epochs_are_compared_for_one_seed(paretoprune):
    sweep(request(max_runs=4, repeats=2), quiet)
    snapshot = load_study(Path("study"))
    choice = find_constrained(snapshot, parse_constraint("nonzeros=1e9", is_lower=False))
    load_network = choice.front.loc[choice.network]
    row = confirm(snapshot, choice, PLACE, quiet).row
    own = snapshot.points[snapshot.points["run_id"] == load_network["run_id"]].iloc[0]
    assert row["seed"] == own["seed"]
    said = paretoprune("knee", "study", "--at-most=nonzeros=1e9", "--confirm").out
    assert f"for seed {row['seed']}: {row['nonzeros'] - own['nonzeros']:+,d} nonzeros" in said


def test_the_command_says_what_the_epochs_brought(snapshot, paretoprune):
    result = paretoprune("knee", "study", "--confirm")
    assert result.code == 0
    assert "6 epochs instead of 2" in result.out
    assert "dominated" in result.out
    again = paretoprune("knee", "study", "--confirm", "--json")
    document = json.loads(again.out)["confirmation"]
    assert document["epochs"] == 6
    assert isinstance(document["nondominated"], bool)
    assert document["run_id"] in again.out
    assert len(storage.read(Path("study"))) == 7


def test_any_choice_can_be_confirmed(snapshot, paretoprune):
    result = paretoprune("knee", "study", "--at-most", "nonzeros=1e9", "--confirm", "--epochs=3")
    assert result.code == 0
    assert "3 epochs instead of 2" in result.out


@pytest.mark.parametrize("options", [["--epochs=3"], ["--device=cpu"]])
def test_options_of_a_confirmation_need_it(snapshot, paretoprune, options):
    result = paretoprune("knee", "study", *options)
    assert result.code == 2
    assert "--confirm" in result.err
