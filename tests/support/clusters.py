"""A real Ray cluster on this machine: a head and nodes of one core each, and what may befall it."""

import os
import time
from contextlib import contextmanager
from dataclasses import replace

import psutil
import pytest

from paretoprune.runner.events import Note, Progress
from paretoprune.runner.executors.ray import RayConfig
from paretoprune.runner.sweep import sweep
from tests.support.sweeps import OF_A_CALL, QUICK, TIMES, quiet, request, table

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

SETTINGS = {**QUICK, "epochs": 30}
BUDGET = {"max_runs": 8, "smgd": 1}
NODE = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 2**27}
TASK = "ray::work"  # what Ray calls a process that trains a fleet
PATIENCE = 60  # seconds, for what should happen soon


@contextmanager
def machines(nodes, cores=1):
    """A head of so many cores and so many nodes more, which end with the block."""
    pytest.importorskip("ray", reason="needs Ray: pip install 'paretoprune[ray]'")
    from ray.cluster_utils import Cluster as Machines  # takes seconds

    cluster = Machines(initialize_head=True, head_node_args=NODE | {"num_cpus": cores})
    try:
        for _ in range(nodes):
            cluster.add_node(**NODE)
        yield cluster
    finally:
        cluster.shutdown()


def asked(machines, settings=None, retries=2, **more):
    """What is asked of a sweep on the cluster; `more` are of its budget, or of the call."""
    of_call = {name: more.pop(name) for name in (*OF_A_CALL, "is_async") if name in more}
    cluster = RayConfig(ray_address=machines.address, gpus_per_fleet=0.0, retries=retries)
    own = request(settings=SETTINGS | (settings or {}), **(BUDGET | more))
    return replace(own, executor="ray", ray=cluster, **of_call)


def on_one_machine(folder="local", settings=None, **budget):
    """The table that the same sweep makes here."""
    sweep(request(folder, settings=SETTINGS | (settings or {}), **(BUDGET | budget)), quiet)
    return in_order(table(folder))


def in_order(points):
    """Rows in an order that does not depend on which fleet was first."""
    return points.sort_values(["round", "role", "run_id"]).reset_index(drop=True)


def training():
    """The processes that train a fleet at this moment."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if TASK in " ".join(process.info["cmdline"] or []):
            found.append(process)
    return found


def wait_until(what, seconds=PATIENCE):
    """Wait for something to be so."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


class Fault:
    """Does something once, when so many fleets are in training; keeps the notes that are said."""

    def __init__(self, act, fleets=2):
        self.act, self.fleets = act, fleets
        self.notes, self.progress = [], []

    def __call__(self, event):
        if isinstance(event, Note):
            self.notes.append(event.text)
        elif isinstance(event, Progress):
            self.progress.append(event)
            if self.act and event.fleets >= self.fleets and len(training()) >= self.fleets:
                act, self.act = self.act, None
                act()

    @property
    def has_happened(self):
        return self.act is None


def kill_one():
    """Kill a process that trains a fleet."""
    training()[0].kill()


__all__ = ["SETTINGS", "TIMES", "Fault", "asked", "in_order", "kill_one", "machines"]
