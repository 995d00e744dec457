"""Fleets side by side: in whatever order they land, the study is the one that a machine makes."""

import math
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from paretoprune.errors import CouldNotError
from paretoprune.runner.events import Note, Progress, Recorded
from paretoprune.runner.executors.executor import TimeIsUp
from paretoprune.runner.sweep import sweep
from paretoprune.study import storage
from tests.support.executors import PLACES, SideBySide, fault_of
from tests.support.sweeps import assert_same_table, by_run, quiet, request, statuses, table

pytestmark = pytest.mark.slow


ALL_LAND = (99, 99)
WIDE = {"round_size": 8}


def ahead(*arguments, **changes):
    return replace(request(*arguments, **changes), is_async=True)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The folder of a study whose fleets were trained one after another."""
    folder = tmp_path_factory.mktemp("alone") / "study"
    sweep(request(folder, max_runs=8, smgd=2), quiet)
    return folder


def assert_as_alone(folder, alone):
    assert_same_table(by_run(table(folder)), by_run(table(alone)))
    for name in ("weights", "history"):
        left, right = (sorted(f.name for f in (at / name).iterdir()) for at in (folder, alone))
        assert left == right


def assert_each_run_is_there_once(points, searched, compared):
    assert points["run_id"].is_unique
    assert (points["status"] == "done").all()
    assert sum(points["role"] == "search") == searched
    assert sum(points["role"] == "comparison") == compared


@pytest.mark.parametrize("at_once", [2, PLACES, math.inf])
@pytest.mark.parametrize("seed", [0, 1])
def test_side_by_side_equals_one_after_another(alone, seed, at_once):
    executor = SideBySide(seed, at_once)
    sweep(request(max_runs=8, smgd=2), quiet, executor)
    assert_as_alone(Path("study"), alone)
    assert max(executor.held) == 2, "a round of four, in fleets of two"
    assert executor.cancelled == []


def test_no_more_fleets_are_handed_over_than_the_executor_wants():
    executor = SideBySide(at_once=PLACES)
    sweep(request(max_runs=8, fleet=1, settings=WIDE), quiet, executor)
    assert executor.held[0] == max(executor.held) == PLACES
    everything = SideBySide(at_once=math.inf)
    sweep(request("other", max_runs=8, fleet=1, settings=WIDE), quiet, everything)
    assert everything.held[0] == 8


def test_smgd_is_trained_side_by_side_too():
    executor = SideBySide(at_once=math.inf)
    sweep(request(max_runs=2, fleet=1, smgd=5), quiet, executor)
    assert executor.held[0] == 2
    assert max(executor.held) == PLACES, "as many as have room, so that the time is asked between"
    assert_each_run_is_there_once(table(), 2, 5)


def test_an_interrupted_round_goes_on_as_if_it_had_not_been(alone):
    def lands(event):
        if isinstance(event, Recorded):
            raise KeyboardInterrupt

    for seed in range(20):
        with suppress(KeyboardInterrupt):
            sweep(request(max_runs=8, smgd=2), lands, SideBySide(seed))
            break
    assert_as_alone(Path("study"), alone)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("budget", [{"fleet": 2}, {"fleet": 1, "repeats": 2}], ids=str)
def test_ahead_of_the_table_each_run_is_there_once(seed, budget):
    executor, repeats = SideBySide(seed, at_once=math.inf), budget.get("repeats", 1)
    summary = sweep(ahead(max_runs=8, smgd=2, **budget), quiet, executor)
    assert_each_run_is_there_once(summary.points, 8 * repeats, 2)
    assert summary.ending == "budget"
    later = executor.held[len(executor.held) // 2 :]  # the first round is handed over whole
    assert 1 <= max(later) <= PLACES + 1, "one is ready where another ends"


@pytest.mark.parametrize("repeats", [1, 2])
def test_ahead_of_the_table_on_one_machine_it_ends_at_its_budget_too(repeats):
    summary = sweep(ahead(max_runs=6, fleet=1, repeats=repeats), quiet)
    assert (summary.ending, summary.points["lam"].nunique()) == ("budget", 6)


def test_ahead_of_the_table_an_interrupted_sweep_goes_on():
    for seed in range(30):
        wanted = ahead(max_runs=8, smgd=2)
        fault = fault_of(KeyboardInterrupt(), 2)
        try:
            summary = sweep(wanted, quiet, SideBySide(seed, at_once=math.inf, fault=fault))
            break
        except KeyboardInterrupt:
            continue
    assert_each_run_is_there_once(summary.points, 8, 2)


@pytest.mark.parametrize("make", [request, ahead])
def test_fleets_that_are_too_large_are_halved_once_and_done(make):
    """All of them say so at once."""

    def fault(number, runs):
        if len(runs) > 2:
            raise MemoryError(f"no room for {len(runs)}")

    events, executor = [], SideBySide(at_once=math.inf, land=ALL_LAND, fault=fault)
    summary = sweep(make(settings=WIDE, max_runs=8, fleet=4), events.append, executor)
    assert_each_run_is_there_once(summary.points, 8, 0)
    assert set(summary.points["fleet_size"]) == {2}
    said = [event.text for event in events if isinstance(event, Note) and "memory" in event.text]
    assert said[0] == "memory is too small for a fleet of 4: going on with 2"
    assert len(said) == 1
    assert storage.read_plan(Path("study")).measured.largest_fleet == 2


def test_fleets_are_halved_again_where_half_is_too_large():
    def fault(number, runs):
        if len(runs) > 1:
            raise MemoryError(f"no room for {len(runs)}")

    executor = SideBySide(at_once=math.inf, fault=fault)
    summary = sweep(request(settings=WIDE, max_runs=8, fleet=4), quiet, executor)
    assert_each_run_is_there_once(summary.points, 8, 0)
    assert set(summary.points["fleet_size"]) == {1}


def test_a_network_that_does_not_fit_alone_fails_and_the_others_go_on():
    unlucky = []

    def fault(number, runs):
        unlucky[:] = unlucky or [runs[0].id]
        if unlucky[0] in [run.id for run in runs]:
            raise MemoryError("no room")

    summary = sweep(request(max_runs=8), quiet, SideBySide(fault=fault))
    failed = summary.points[summary.points["status"] == "failed"]
    assert failed["run_id"].tolist() == unlucky
    assert len(summary.points) == 8


@pytest.mark.parametrize("make", [request, ahead])
def test_a_fleet_that_fails_is_recorded_and_the_others_go_on(make):
    executor = SideBySide(at_once=math.inf, fault=fault_of(RuntimeError("no luck"), 1))
    summary = sweep(make(max_runs=8), quiet, executor)
    failed = summary.points[summary.points["status"] == "failed"]
    assert (len(failed), len(summary.points)) == (2, 8)
    assert failed["failure"].eq("RuntimeError: no luck").all()
    assert all("no luck" in Path("study", log).read_text() for log in failed["log"])
    assert summary.points["run_id"].is_unique


def test_where_all_fail_at_once_the_reason_is_said():
    executor = SideBySide(land=ALL_LAND, fault=fault_of(RuntimeError("no luck"), *range(99)))
    with pytest.raises(CouldNotError, match="no luck"):
        sweep(request(max_runs=4), quiet, executor)


@pytest.mark.parametrize("make", [request, ahead])
def test_fail_fast_cancels_what_is_in_training(make):
    fault = fault_of(RuntimeError("no luck"), *range(99))
    executor = SideBySide(at_once=math.inf, land=(1, 1), fault=fault)
    with pytest.raises(CouldNotError, match="no luck"):
        sweep(make(settings=WIDE, max_runs=8, fleet=1, is_fail_fast=True), quiet, executor)
    assert statuses() == {"failed": 1}
    assert len(executor.cancelled) == 7
    assert set(executor.cancelled) == set(executor.kept)


def test_fail_fast_records_what_landed_with_the_failure():
    fault = fault_of(RuntimeError("no luck"), 3)
    executor = SideBySide(at_once=math.inf, land=ALL_LAND, fault=fault)
    asked = request(settings=WIDE, max_runs=20, fleet=1, is_fail_fast=True)
    assert sweep(asked, quiet, executor).ending == "failed"
    assert statuses() == {"done": 7, "failed": 1}
    assert executor.cancelled == []


def test_fail_fast_is_not_forgotten_where_another_fleet_is_kept_for_another_time():
    def fault(number, runs):
        if number == 1:
            raise RuntimeError("no luck")
        if number == 2:
            raise TimeIsUp

    executor = SideBySide(at_once=math.inf, land=ALL_LAND, fault=fault)
    asked = request(max_runs=4, fleet=1, is_fail_fast=True)
    assert sweep(asked, quiet, executor).ending == "failed"


def test_no_fleet_begins_once_one_was_kept_for_another_time():
    """Not even that which another one was too large for."""

    def fault(number, runs):
        raise TimeIsUp if number == 0 else MemoryError("no room")

    executor = SideBySide(at_once=math.inf, land=ALL_LAND, fault=fault)
    assert sweep(request(max_runs=4), quiet, executor).ending == "kept"
    assert executor.number == 2
    sweep(request(max_runs=4), quiet)
    assert_each_run_is_there_once(table(), 4, 0)


@pytest.mark.parametrize("make", [request, ahead])
def test_ctrl_c_cancels_what_is_in_training_and_keeps_what_is_recorded(make):
    executor = SideBySide(at_once=math.inf, land=(1, 1), fault=fault_of(KeyboardInterrupt(), 2))
    with pytest.raises(KeyboardInterrupt):
        sweep(make(settings=WIDE, max_runs=20, fleet=1), quiet, executor)
    assert len(executor.cancelled) == executor.held[-1] > 1
    assert set(executor.kept) < set(executor.cancelled)
    assert len(table()) == len(executor.held) - 1
    assert sweep(make(settings=WIDE, max_runs=9), quiet).ending == "budget"


@pytest.mark.parametrize("make", [request, ahead])
@pytest.mark.parametrize("seed", [0, 1])
def test_progress_counts_fleets_and_never_more_runs_than_there_are(make, seed):
    events = []
    sweep(make(max_runs=8, fleet=1, smgd=3), events.append, SideBySide(seed, at_once=math.inf))
    steps = [event for event in events if isinstance(event, Progress)]
    assert {step.runs_total for step in steps} == {11}
    assert max(step.runs_done for step in steps) == steps[-1].runs_done == pytest.approx(11)
    assert all(step.seconds_left >= 0 and step.runs_an_hour >= 0 for step in steps)
    assert {step.nodes for step in steps} == {0}
    assert all(step.fleets >= 1 and step.waiting >= 0 for step in steps)
    assert max(step.fleets + step.waiting for step in steps) == 4
    done = [step.runs_done for step in steps]
    assert done == sorted(done)
