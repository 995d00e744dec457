"""Runs that fail: what goes on, what ends, what is trained again; signals, and two at once."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future
from pathlib import Path

import pytest

from paretoprune.errors import BusyStudyError, CouldNotError
from paretoprune.runner.events import Progress
from paretoprune.runner.executors.local import LocalExecutor
from paretoprune.runner.sweep import sweep
from paretoprune.study import storage as store
from tests.test_sweep import assert_same_table, quiet, request, table


class Failing(LocalExecutor):
    """An executor whose fleets with some fail, as a user's code or a machine may."""

    def __init__(self, *which):
        self.which, self.count = which, -1

    def submit(self, fn, /, *args, **kwargs):
        self.count += 1
        if self.count not in self.which:
            return LocalExecutor().submit(fn, *args, **kwargs)
        future = Future()
        future.set_exception(RuntimeError("no luck"))
        return future


def statuses(folder="study"):
    return table(folder)["status"].value_counts().to_dict()


def by_run(points):
    return points.sort_values("run_id").reset_index(drop=True).drop(columns="log")


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


def begin(*options):
    """A sweep of its own that lasts until it is told to end."""
    command = [sys.executable, "-m", "paretoprune", "sweep", "study", "--epochs=100000"]
    process = subprocess.Popen(
        [*command, "--fleet=2", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 300
    while not store.is_study(Path("study")) and process.poll() is None:
        if time.monotonic() > deadline:
            process.kill()
        time.sleep(0.01)
    assert process.poll() is None, process.stderr.read()
    return process


@pytest.mark.slow
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_sweep_with_a_sentence(kind):
    process = begin()
    process.send_signal(kind)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 130
    assert err.rstrip().endswith("the same command goes on")
    assert "Traceback" not in err
    assert not Path("study/.lock.json").exists()


@pytest.mark.slow
def test_a_second_process_is_told_who_is_in(paretoprune):
    process = begin()
    try:
        answer = paretoprune("sweep", "study")
        assert answer.code == 5
        host = os.uname().nodename
        assert f"study (process {process.pid} on {host}, since 20" in answer.err
        for reader in (["show", "study"], ["show", "study", "--all", "--json"]):
            assert paretoprune(*reader).code == 0
    finally:
        process.kill()
        process.communicate()
    assert Path("study/.lock.json").exists(), "what a killed process leaves"
    with store.locked(Path("study")):
        assert json.loads(Path("study/.lock.json").read_text())["process"] == os.getpid()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "null",
        '{"process": 1}',
        '{"process": "\\u001b[2J", "host": "x", "since": "y"}',
        '{"process": 1, "host": "' + "x" * 500 + '", "since": "y"}',
    ],
)
def test_a_holder_that_cannot_be_read_is_left_out(content):
    folder = Path("study")
    with store.locked(folder):
        (folder / ".lock.json").write_text(content)
        busy = pytest.raises(BusyStudyError, match=r"^another process works on study: wait")
        with busy, store.locked(folder):
            pass


@pytest.mark.parametrize("name", [".lock", ".lock.json"])
def test_a_lock_that_is_a_link_is_refused_and_what_it_leads_to_stays(name, paretoprune):
    sweep(request(max_runs=4), quiet)
    Path("mine").write_text("precious")
    Path("study", name).unlink(missing_ok=True)
    Path("study", name).symlink_to(Path("mine").absolute())
    answer = paretoprune("sweep", "study")
    assert (answer.code, "is a link" in answer.err) == (4, True)
    assert Path("mine").read_text() == "precious"
