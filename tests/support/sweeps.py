"""Small sweeps on the digits: how they are asked for, interrupted and compared."""

from pathlib import Path

import pandas as pd

from paretoprune.runner.request import SweepRequest
from paretoprune.study import storage

QUICK = {"epochs": 2, "batch_size": 256, "round_size": 4, "learning_rate": 0.02}
TIMES = ["seconds", "started_at"]


def quiet(event):
    """Watch nothing."""


OF_A_CALL = ("time_budget", "is_fail_fast", "is_retry")  # what no study remembers


def request(folder="study", settings=None, **budget):
    of_call = {name: budget.pop(name) for name in OF_A_CALL if name in budget}
    return SweepRequest(
        folder=Path(folder),
        settings=QUICK | (settings or {}),
        budget={"max_runs": 10, "fleet": 2, "tolerance": 0.0, "smgd": 0} | budget,
        **of_call,
    )


def table(folder="study"):
    columns = storage.read_plan(Path(folder)).columns
    return storage.read(Path(folder), columns).drop(columns=TIMES)


def assert_same_table(left, right):
    pd.testing.assert_frame_equal(
        left.drop(columns="layers"), right.drop(columns="layers"), check_exact=True
    )


class Interruption:
    """Ctrl-C at the n-th step of the training, or once n fleets are recorded."""

    def __init__(self, kind, count):
        self.kind, self.left = kind, count

    def __call__(self, event):
        self.left -= isinstance(event, self.kind)
        if self.left == 0:
            raise KeyboardInterrupt


def statuses(folder="study"):
    return table(folder)["status"].value_counts().to_dict()


def by_run(points):
    return points.sort_values("run_id").reset_index(drop=True).drop(columns="log")


def compared(points):
    return points[points["role"] == "comparison"]
