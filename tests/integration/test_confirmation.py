"""A choice, trained for the full epochs."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from paretoprune.analysis.choice import find_knee, find_wish
from paretoprune.analysis.constraints import parse_wish
from paretoprune.analysis.snapshot import read_study
from paretoprune.errors import UsageError
from paretoprune.problem.build import Environment
from paretoprune.runner.confirm import beaten_by, confirm
from paretoprune.runner.events import Progress
from paretoprune.runner.executors.local import LocalExecutor
from paretoprune.runner.loop import predicted
from paretoprune.runner.rounds import Round
from paretoprune.runner.sweep import sweep
from paretoprune.study import storage as store
from tests.support.executors import OutOfLuck
from tests.support.problems import run
from tests.support.sweeps import quiet, request

PLACE = Environment()


@pytest.fixture
def reading():
    sweep(request(max_runs=6), quiet)
    return read_study(Path("study"))


class Forbidden(LocalExecutor):
    def submit(self, fn, /, *args, **kwargs):
        raise AssertionError("nothing should be trained")


def test_the_knees_lam_is_trained_three_times_as_long(reading):
    choice, events = find_knee(reading), []
    confirmation = confirm(reading, choice, PLACE, events.append)
    row, network = confirmation.row, choice.front.loc[choice.network]
    assert (row["role"], row["status"], row["epochs"]) == ("confirmation", "done", 6)
    assert (row["lam"], row["seed"]) == (network["lam"], network["seed"])
    assert row["run_id"] != network["run_id"]
    assert row["train_loss"] < network["train_loss"]
    assert (Path("study") / row["weights"]).is_file()
    assert len(pd.read_parquet(Path("study") / "history" / f"{row['run_id']}.parquet")) == 6
    steps = [event for event in events if isinstance(event, Progress)]
    assert steps[-1].runs_done == steps[-1].runs_total == 1


def test_a_confirmation_changes_neither_search_nor_front(reading):
    confirm(reading, find_knee(reading), PLACE, quiet)
    after = read_study(Path("study"))
    assert after.front["run_id"].tolist() == reading.front["run_id"].tolist()
    again = sweep(request(max_runs=10), quiet)
    sweep(request("other", max_runs=10), quiet)
    undisturbed = store.read(Path("other"))
    searched = again.points[again.points["role"] == "search"]
    assert searched["run_id"].tolist() == undisturbed["run_id"].tolist()


def test_what_was_confirmed_is_not_trained_again(reading):
    choice = find_knee(reading)
    first = confirm(reading, choice, PLACE, quiet)
    second = confirm(reading, choice, PLACE, quiet, executor=Forbidden())
    assert second.row["run_id"] == first.row["run_id"]
    other = confirm(reading, choice, PLACE, quiet, epochs=3)
    assert other.row["epochs"] == 3


def test_dominated_or_not_is_said_by_whom(reading):
    front = reading.front
    row = front.iloc[0]
    assert beaten_by(reading, row).empty
    worse = row.copy()
    worse["val_loss"] *= 1.0001
    assert beaten_by(reading, worse)["run_id"].tolist() == [row["run_id"]]


@pytest.mark.parametrize("epochs", [2, 0, -1])
def test_epochs_that_confirm_nothing_are_refused(reading, epochs):
    with pytest.raises(UsageError, match=f"--epochs {epochs}"):
        confirm(reading, find_knee(reading), PLACE, quiet, epochs=epochs)


def test_without_a_knee_there_is_nothing_to_confirm(reading):
    choice = replace(find_knee(reading), network=None, reason="two points")
    with pytest.raises(UsageError, match=r"nothing to confirm.*two points"):
        confirm(reading, choice, PLACE, quiet)


def test_a_failed_confirmation_is_a_row_with_its_reason(reading):
    confirmation = confirm(reading, find_knee(reading), PLACE, quiet, executor=OutOfLuck(good=0))
    assert not confirmation.is_done
    assert not confirmation.is_nondominated
    assert "too small" in confirmation.row["failure"]
    again = sweep(request(max_runs=6), quiet)
    assert again.unsuccessful == 0  # of the search


def test_a_failed_confirmation_can_be_tried_again(reading):
    choice = find_knee(reading)
    confirm(reading, choice, PLACE, quiet, executor=OutOfLuck(good=0))
    assert confirm(reading, choice, PLACE, quiet).is_done
    points = store.read(Path("study"))
    assert points["run_id"].is_unique
    assert len(points) == 7


def test_a_confirmation_is_no_measure_of_the_searchs_time(reading):
    confirm(reading, find_knee(reading), PLACE, quiet, epochs=30)
    round_ = Round(number=1, runs=(run(lam=0.1),) * 4)
    after = store.read(Path("study"))
    assert predicted(after, round_) == predicted(reading.points, round_)


def test_the_epochs_are_compared_for_one_seed(paretoprune):
    sweep(request(max_runs=4, repeats=2), quiet)
    reading = read_study(Path("study"))
    choice = find_wish(reading, parse_wish("nonzeros=1e9", is_lower=False))
    handed_over = choice.front.loc[choice.network]
    row = confirm(reading, choice, PLACE, quiet).row
    own = reading.points[reading.points["run_id"] == handed_over["run_id"]].iloc[0]
    assert row["seed"] == own["seed"]
    said = paretoprune("knee", "study", "--at-most=nonzeros=1e9", "--confirm").out
    assert f"for seed {row['seed']}: {row['nonzeros'] - own['nonzeros']:+,d} nonzeros" in said


def test_the_command_says_what_the_epochs_brought(reading, paretoprune):
    result = paretoprune("knee", "study", "--confirm")
    assert result.code == 0
    assert "6 epochs instead of 2" in result.out
    assert "dominated" in result.out
    again = paretoprune("knee", "study", "--confirm", "--json")
    document = json.loads(again.out)["confirmation"]
    assert document["epochs"] == 6
    assert isinstance(document["nondominated"], bool)
    assert document["run_id"] in again.out
    assert len(store.read(Path("study"))) == 7


def test_any_choice_can_be_confirmed(reading, paretoprune):
    result = paretoprune("knee", "study", "--at-most", "nonzeros=1e9", "--confirm", "--epochs=3")
    assert result.code == 0
    assert "3 epochs instead of 2" in result.out


@pytest.mark.parametrize("options", [["--epochs=3"], ["--device=cpu"]])
def test_options_of_a_confirmation_need_it(reading, paretoprune, options):
    result = paretoprune("knee", "study", *options)
    assert result.code == 2
    assert "--confirm" in result.err
