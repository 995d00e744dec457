"""Runs that fail: what goes on, what ends, what is trained again."""

from concurrent.futures import Future

import pytest

from paretoprune.errors import CouldNotError
from paretoprune.runner.events import Progress
from paretoprune.runner.executors.local import LocalExecutor
from paretoprune.runner.sweep import sweep
from tests.support.executors import Failing
from tests.support.sweeps import assert_same_table, by_run, quiet, request, statuses, table


def test_failed_runs_are_trained_again_when_asked_for():
    sweep(request("whole", max_runs=4, smgd=2), quiet)
    sweep(request(max_runs=4, smgd=2), quiet, Failing(1, 2))
    assert statuses() == {"done": 2, "failed": 4}
    assert set(table().loc[table()["status"] == "failed", "role"]) == {"search", "comparison"}
    sweep(request(max_runs=4, smgd=2), quiet)
    assert statuses() == {"done": 2, "failed": 4}, "only on request"
    events = []
    summary = sweep(request(max_runs=4, smgd=2, is_retry=True), events.append)
    assert statuses() == {"done": 6}
    assert summary.unsuccessful == 0
    assert_same_table(by_run(table()), by_run(table("whole")))
    steps = [event for event in events if isinstance(event, Progress)]
    assert (steps[0].runs_done, steps[-1].runs_done) == (pytest.approx(2, abs=0.5), 6)


@pytest.mark.slow
def test_a_search_goes_on_from_what_was_trained_again():
    sweep(request(max_runs=8), quiet, Failing(0))
    summary = sweep(request(max_runs=10, is_retry=True), quiet)
    assert statuses() == {"done": len(table())}
    assert len(summary.points) >= 8
    assert summary.points["run_id"].is_unique


def test_a_run_that_fails_again_is_tried_once_in_a_call():
    sweep(request(max_runs=4), quiet, Failing(1))
    sweep(request(max_runs=4, is_retry=True), quiet, Failing(0))
    assert statuses() == {"done": 2, "failed": 2}


def test_a_retried_fleet_that_is_too_large_for_memory_is_halved():
    class Small(LocalExecutor):
        def submit(self, fn, /, *args, **kwargs):
            if len(args[0]) > 1:
                future = Future()
                future.set_exception(MemoryError("full"))
                return future
            return super().submit(fn, *args, **kwargs)

    sweep(request(max_runs=4), quiet, Failing(1))
    sweep(request(max_runs=4, is_retry=True), quiet, Small())
    assert statuses() == {"done": 4}
    assert sorted(table()["fleet_size"]) == [1, 1, 2, 2]


def test_fail_fast_ends_with_the_first_failure():
    summary = sweep(request(is_fail_fast=True), quiet, Failing(1))
    assert summary.ending == "failed"
    assert statuses() == {"done": 2, "failed": 2}
    assert sweep(request(is_fail_fast=True), quiet).ending == "budget", "older ones do not count"


def test_fail_fast_ends_with_a_run_that_diverges():
    with pytest.raises(CouldNotError, match="--lr"):
        sweep(request(settings={"learning_rate": 1e30}, is_fail_fast=True), quiet)
    assert statuses() == {"diverged": 2}


def test_the_command_line_knows_both(paretoprune):
    options = ["--epochs=1", "--batch-size=500", "--max-runs=2", "--round=2", "--fleet=1"]
    sweep_ = ["sweep", "study", *options, "--smgd=0", "--lr=1e30", "--fail-fast"]
    answer = paretoprune(*sweep_, "--retry-failed")
    assert answer.code == 1
    assert "no run could be trained to its end" in answer.err
    assert len(table()) == 1
