"""Sweeps on a real Ray cluster: the table of one machine, whatever befalls the others."""

import math
import signal
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from paretoprune.errors import ClusterError, CouldNotError, UsageError
from paretoprune.problem.build import Environment
from paretoprune.runner import checkpointing as checkpointer
from paretoprune.runner.events import Progress
from paretoprune.runner.sweep import sweep
from paretoprune.study import storage
from tests.support.clusters import (
    NODE,
    Fault,
    asked,
    in_order,
    kill_one,
    machines,
    on_one_machine,
    training,
    wait_until,
)
from tests.support.sweeps import assert_same_table, quiet, table
from tests.support.user_code import TABLE

pytestmark = pytest.mark.ray


LONG = {"epochs": 60}


@pytest.fixture(scope="module")
def cluster():
    with machines(nodes=2) as one:
        yield one


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    return on_one_machine(tmp_path_factory.mktemp("local") / "study")


@pytest.fixture(scope="module")
def local_long(tmp_path_factory):
    return on_one_machine(tmp_path_factory.mktemp("long") / "study", LONG, max_runs=4, smgd=0)


class SeesSignals(Fault):
    """Sees who takes a SIGTERM while fleets are trained."""

    def __init__(self, act):
        super().__init__(act)
        self.handlers = set()

    def __call__(self, event):
        super().__call__(event)
        if isinstance(event, Progress):
            self.handlers.add(signal.getsignal(signal.SIGTERM))


def assert_whole():
    """Each run is there once, with its weights and history."""
    points = storage.read(Path("study"))
    assert points["run_id"].is_unique
    for row in points[points["status"] == "done"].itertuples():
        assert Path("study", row.weights).exists()
        assert len(storage.read_history(Path("study"), row.run_id)) == row.epochs


def test_a_cluster_makes_the_table_of_one_machine(cluster, local):
    seen, handler = SeesSignals(None), signal.getsignal(signal.SIGTERM)
    summary = sweep(asked(cluster), seen)
    assert summary.ending == "budget"
    assert_same_table(in_order(table()), local)
    assert_whole()
    assert seen.handlers == {handler}, "the SIGTERM of a batch system is the command line's"
    assert "Ray cluster of 3 nodes, room for 3 fleets (1 CPU each)" in seen.notes
    assert max(event.fleets for event in seen.progress) >= 2
    assert {event.nodes for event in seen.progress} == {3}
    assert all(event.runs_done <= event.runs_total for event in seen.progress)
    wait_until(lambda: not training())


OWN = f"""{TABLE}
import resource, sys

WORKS = "default_worker" in sys.argv[0]  # what Ray calls its workers

class Large(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.end = nn.Linear(4, 40_000), nn.Linear(40_000, 1)

    def forward(self, x):
        return self.end(torch.relu(self.first(x)))

def large():
    # 29 MB an activation of 180 samples, and three of them in training: room for five networks, so
    # that with eight it is a large tensor that fails, and threads of Ray find room
    if WORKS:
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        if resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
            resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, hard))
    return Large()
"""
DATA = (torch.rand(90, 4), torch.rand(90)), (torch.rand(30, 4), torch.rand(30))
MINE = {"dataset": "mine:data", "model": "mine:model", "loss": "mse", "epochs": 3}


def test_own_code_reaches_the_workers(cluster, module):
    module("mine", TABLE)
    sweep(asked(cluster, MINE), Fault(None))
    assert_same_table(in_order(table()), on_one_machine(settings=MINE))


RAISES = f"""{TABLE}
import sys

class Raises(nn.Linear):
    def forward(self, x):
        if "default_worker" in sys.argv[0]:  # what Ray calls its workers
            raise ValueError("this layer does not like workers")
        return super().forward(x)

def raises():
    return Raises(4, 1)
"""


def test_a_fleet_that_raises_has_the_traceback_of_its_worker(cluster, module):
    module("mine", RAISES)
    settings = {**MINE, "model": "mine:raises"}
    with pytest.raises(CouldNotError, match="this layer does not like workers"):
        sweep(asked(cluster, settings, max_runs=2, smgd=0), Fault(None))
    points = table()
    assert (points["status"] == "failed").all()
    log = Path("study", points["log"][0]).read_text()
    assert "ValueError: this layer does not like workers" in log
    assert "mine.py" in log


def test_a_fleet_without_memory_is_halved(cluster, module):
    module("mine", OWN.replace("ROOM", str(600 * 2**20)))
    settings = {**MINE, "model": "mine:large", "epochs": 1, "round_size": 8, "batch_size": 180}
    seen = Fault(None)
    sweep(asked(cluster, settings, max_runs=8, fleet=8, smgd=0), seen)
    halved = [note for note in seen.notes if "memory is too small" in note]
    assert halved[0] == "memory is too small for a fleet of 8: going on with 4"
    points = table()
    assert len(points) == 8
    assert (points["status"] == "done").all()
    assert points["fleet_size"].max() < 8


def test_what_cannot_be_sent_is_said_so(cluster):
    lock = threading.Lock()

    def locked(shape, classes):
        with lock:
            return nn.Linear(*shape, classes)

    own = asked(cluster, {**MINE, "model": "__main__:locked"})
    with pytest.raises(UsageError, match="cannot be sent to the workers"):
        sweep(replace(own, environment=Environment(model=locked, data=lambda: DATA)), quiet)


def test_a_worker_of_another_version_is_refused():
    from paretoprune.runner.executors.ray.worker import Here, work  # takes seconds

    with pytest.raises(ClusterError, match=r"has paretoprune .*, and here it is 0.0: install"):
        work(print, [], {}, Here("cpu", 1, math.inf, version="0.0"), None)


@pytest.fixture(scope="module")
def joined(cluster):
    """The cluster, whose workers stay from test to test: their imports take longest."""
    import ray

    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
    yield cluster
    ray.shutdown()


def test_runs_start_from_their_parents_on_a_cluster(joined, tmp_path):
    """The table of one machine: weights of a parent travel to the workers."""
    budget = {"max_runs": 4, "smgd": 0, "compare": "magnitude", "keep": "0.5,0.1", "repeats": 2}
    sweep(asked(joined, **budget), quiet)
    points = in_order(table())
    assert points["role"].value_counts().to_dict() == {"search": 8, "comparison": 4, "trunk": 2}
    assert_same_table(points, on_one_machine(tmp_path / "local", **budget))


def test_a_worker_that_dies_has_its_fleet_trained_again(joined, local_long):
    fault = Fault(kill_one, fleets=1)
    sweep(asked(joined, LONG, max_runs=4, smgd=0), fault)
    assert fault.has_happened
    assert [note for note in fault.notes if "trained again" in note]
    assert_same_table(in_order(table()), local_long)
    assert_whole()


def test_a_long_fleet_goes_on_where_its_worker_died(joined, local_long, monkeypatch):
    monkeypatch.setattr(checkpointer, "LONG", 0.0)
    monkeypatch.setattr(checkpointer, "SHARE", 1e9)

    def kill_when_kept():
        wait_until(lambda: len(list(Path("study/checkpoints").glob("*"))) >= 2)
        kill_one()

    fault = Fault(kill_when_kept)
    sweep(asked(joined, LONG, max_runs=4, smgd=0), fault)
    assert fault.has_happened
    assert "going on with a fleet of 2 that was interrupted" in fault.notes
    assert_same_table(in_order(table()), local_long)
    assert not Path("study/checkpoints").exists()


def test_a_node_may_leave_in_the_midst_of_a_fleet_and_another_come(joined, local_long):
    def change():
        joined.remove_node(joined.worker_nodes.copy().pop())
        joined.add_node(**NODE)

    fault = Fault(change)
    sweep(asked(joined, LONG, max_runs=4, smgd=0), fault)
    assert fault.has_happened
    assert_same_table(in_order(table()), local_long)
    assert_whole()


def test_without_retries_a_dead_worker_is_a_failed_fleet(joined, local_long):
    fault = Fault(kill_one, fleets=1)
    sweep(asked(joined, LONG, retries=0, max_runs=4, smgd=0), fault)
    points = table()
    assert fault.has_happened
    assert sorted(points["status"]) == ["done", "done", "failed", "failed"]
    (reason,) = set(points.loc[points["status"] == "failed", "failure"])
    assert "died" in reason
    again = asked(joined, LONG, max_runs=4, smgd=0, is_retry=True)
    sweep(replace(again, executor="local"), quiet)
    assert_same_table(in_order(table()), local_long)


def test_async_waits_for_no_round(joined):
    seen = Fault(None)
    summary = sweep(asked(joined, is_async=True), seen)
    assert len(summary.points) == 9
    assert_whole()
    assert (summary.points["status"] == "done").all()


def test_a_program_of_its_own_connection_cancels_what_is_in_training(joined):
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(asked(joined, {"epochs": 10_000}), Fault(interrupt, fleets=1))
    wait_until(lambda: not training(), seconds=10)
    import ray

    assert ray.is_initialized()
