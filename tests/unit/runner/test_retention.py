"""Retention policy: whose weights stay on disk."""

import pytest

from paretoprune.errors import UsageError
from paretoprune.runner import retention as retention
from paretoprune.runner.retention import weights_to_delete
from paretoprune.study.plan import Budget
from tests.support.tables import table

MANY = retention.MOST_BYTES + 1
ROWS = [
    {"lam": 0.0, "val_loss": 0.1, "complexity": 100.0, "val_error": 0.01, "nonzeros": 900},
    {"lam": 0.1, "val_loss": 0.2, "complexity": 50.0, "val_error": 0.02, "nonzeros": 500},
    # dominated in loss and l1, and good for --at-most nonzeros
    {"lam": 0.2, "val_loss": 0.3, "complexity": 60.0, "val_error": 0.03, "nonzeros": 100},
    {"lam": 0.3, "val_loss": 0.4, "complexity": 70.0, "val_error": 0.04, "nonzeros": 950},
    {"lam": 0.4, "val_loss": 2.3, "complexity": 0.0, "collapsed": True},
    {"lam": 0.5, "val_loss": 9.0, "complexity": 99.0, "role": "confirmation"},
]
POINTS = table(
    {"l1": row["complexity"], **row, "weights": f"{row['lam']}.safetensors"} for row in ROWS
)


def gone(keep, stored_bytes=0, points=POINTS):
    ids = weights_to_delete(points, keep, stored_bytes, repeats=1)
    return points.loc[points["run_id"].isin(ids), "lam"].tolist()


def test_all_stay_and_none_stay():
    assert gone("all", MANY) == []
    assert gone("none") == [0.0, 0.1, 0.2, 0.3, 0.4]


def test_whatever_may_be_chosen_on_some_front_stays():
    assert gone("front") == [0.3, 0.4]


def test_auto_keeps_all_up_to_a_gigabyte_and_then_the_fronts():
    assert gone("auto", retention.MOST_BYTES) == []
    assert gone("auto", MANY) == gone("front")


def test_of_repeated_runs_the_network_that_is_handed_over_stays():
    rows = [{**ROWS[0], "seed": seed, "val_loss": 0.1 + seed, "weights": "w"} for seed in (0, 1)]
    points = table(rows)
    assert weights_to_delete(points, "front", 0, repeats=2) == [points["run_id"][1]]
    assert weights_to_delete(points, "front", 0, repeats=3) == []  # the mean may still change


def test_an_unknown_choice_is_refused():
    with pytest.raises(UsageError, match="did you mean front"):
        Budget(keep_weights="fronts")
