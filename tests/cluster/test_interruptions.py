"""A coordinator that is killed or interrupted, a head that dies: nothing is lost or left behind."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from paretoprune.runner.sweep import sweep
from tests.support.clusters import in_order, machines, on_one_machine, training, wait_until
from tests.support.sweeps import assert_same_table, quiet, request, table

pytestmark = pytest.mark.ray


EPOCHS = 30
TRAINING = [f"--epochs={EPOCHS}", "--batch-size=256", "--lr=0.02"]
SEARCH = ["--round=4", "--max-runs=8", "--fleet=2", "--smgd=0", "--tolerance=0"]
# the command line, with less patience than a user should have
COMMAND = """
import sys
from paretoprune.__main__ import main
from paretoprune.runner.executors.ray import ray_executor
ray_executor.PATIENCE = 3
main(sys.argv[1:])
"""


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    folder = tmp_path_factory.mktemp("local") / "study"
    return on_one_machine(folder, {"epochs": EPOCHS}, smgd=0)


@pytest.fixture(scope="module")
def cluster():
    with machines(nodes=1) as one:
        yield one


def begin(cluster):
    """A sweep in a process of its own that trains two fleets."""
    place = ["--executor=ray", f"--ray-address={cluster.address}", "--json-progress"]
    with Path("log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, "sweep", "study", *TRAINING, *SEARCH, *place],
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
    wait_until(lambda: len(training()) == 2 or process.poll() is not None)
    assert process.poll() is None, Path("log").read_text()
    return process


def has_recorded():
    return any(event["event"] == "recorded" for event in events())


def events():
    lines = Path("log").read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]


def assert_goes_on_to(local):
    """The same sweep, here, ends as if nothing had happened."""
    sweep(request(settings={"epochs": EPOCHS}, max_runs=8), quiet)
    assert_same_table(in_order(table()), local)


def test_a_coordinator_that_is_killed_leaves_no_orphans(cluster, local):
    process = begin(cluster)
    wait_until(has_recorded)
    process.kill()
    process.wait()
    wait_until(lambda: not training())
    assert 2 <= len(table()) < 8
    assert_goes_on_to(local)


def test_ctrl_c_cancels_what_runs_and_keeps_what_is_done(cluster):
    process = begin(cluster)
    wait_until(has_recorded)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    log = Path("log").read_text()
    assert log.rstrip().endswith("the same command goes on")
    assert "Traceback" not in log
    assert events()[-1]["event"] == "broken off"
    wait_until(lambda: not training(), seconds=10)
    assert 2 <= len(table()) < 8


def test_a_dead_head_leaves_a_study_that_goes_on(local):
    with machines(nodes=0, cores=2) as cluster:
        process = begin(cluster)
        wait_until(has_recorded)
        cluster.head_node.kill_all_processes(check_alive=False, allow_graceful=False)
        began = time.monotonic()
        assert process.wait(60) == 1
        assert time.monotonic() - began < 40
    log = Path("log").read_text()
    assert "does not answer any more: every finished fleet is kept" in log
    assert "Traceback" not in log
    assert 2 <= len(table()) < 8
    assert_goes_on_to(local)
