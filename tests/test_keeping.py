"""Whose weights stay on disk."""

from pathlib import Path

import pandas as pd
import pytest

from paretoprune.errors import UsageError
from paretoprune.runner import retention as keeping
from paretoprune.runner.events import Recorded
from paretoprune.runner.retention import superfluous
from paretoprune.runner.sweep import sweep
from paretoprune.study import storage as store
from paretoprune.study.settings import Budget
from tests.tables import table
from tests.test_sweep import (
    Interruption,
    assert_same_table,
    quiet,
    request,
)

MANY = keeping.MOST_BYTES + 1
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
    ids = superfluous(points, keep, stored_bytes, repeats=1)
    return points.loc[points["run_id"].isin(ids), "lam"].tolist()


def test_all_stay_and_none_stay():
    assert gone("all", MANY) == []
    assert gone("none") == [0.0, 0.1, 0.2, 0.3, 0.4]


def test_whatever_may_be_chosen_on_some_front_stays():
    assert gone("front") == [0.3, 0.4]


def test_auto_keeps_all_up_to_a_gigabyte_and_then_the_fronts():
    assert gone("auto", keeping.MOST_BYTES) == []
    assert gone("auto", MANY) == gone("front")


def test_of_repeated_runs_the_network_that_is_handed_over_stays():
    rows = [{**ROWS[0], "seed": seed, "val_loss": 0.1 + seed, "weights": "w"} for seed in (0, 1)]
    points = table(rows)
    assert superfluous(points, "front", 0, repeats=2) == [points["run_id"][1]]
    assert superfluous(points, "front", 0, repeats=3) == []  # the mean may still change


@pytest.mark.parametrize("fleet", [3, 4])
@pytest.mark.slow
def test_repeats_lose_no_network_that_a_front_hands_over(fleet):
    """Seeds come one after the other: half of a mean must not decide."""
    points = sweep(request(max_runs=6, repeats=3, fleet=fleet, keep_weights="front"), quiet).points
    named = set(points.loc[points["weights"].notna(), "run_id"])
    assert files() == named == keeping.on_a_front(points)


def files(folder="study"):
    return {path.stem for path in (Path(folder) / "weights").glob("*")}


@pytest.mark.parametrize("keep", ["all", "none", "front"])
def test_the_table_names_the_files_that_are_there(keep):
    points = sweep(request(max_runs=6, keep_weights=keep), quiet).points
    named = set(points.loc[points["weights"].notna(), "run_id"])
    assert files() == named
    assert len(named) == {"all": 6, "none": 0}.get(keep, len(named))
    if keep == "front":
        assert named == keeping.on_a_front(points)
        assert 0 < len(named) <= 6


@pytest.mark.slow
def test_an_interrupted_sweep_keeps_the_same_weights():
    sweep(request("whole", max_runs=8, keep_weights="front"), quiet)
    for _ in range(9):
        try:
            sweep(request(max_runs=8, keep_weights="front"), Interruption(Recorded, 1))
            break
        except KeyboardInterrupt:
            continue
    assert files() == files("whole")
    drop = ["seconds", "started_at"]
    assert_same_table(*(store.read(Path(name)).drop(columns=drop) for name in ("study", "whole")))


def test_it_may_be_decided_later():
    before = sweep(request(max_runs=6), quiet).points
    after = sweep(request(max_runs=6, keep_weights="none"), quiet).points
    assert files() == set()
    pd.testing.assert_frame_equal(
        before.drop(columns=["weights", "layers"]), after.drop(columns=["weights", "layers"])
    )


def test_a_crash_between_table_and_files_leaves_no_name_without_a_file(monkeypatch):
    sweep(request(max_runs=4), quiet)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", interrupt)
        with pytest.raises(KeyboardInterrupt):
            sweep(request(max_runs=4, keep_weights="none"), quiet)
    assert store.read(Path("study"))["weights"].isna().all()
    assert files() != set()
    sweep(request(max_runs=4, keep_weights="none"), quiet)
    assert files() == set()


def test_a_network_without_weights_says_why(paretoprune):
    sweep(request(max_runs=6, keep_weights="none"), quiet)
    assert "weights: not kept" in paretoprune("knee", "study", "--rule=one-se").out


def interrupt(path, missing_ok=False):
    if path.suffix == ".safetensors":
        raise KeyboardInterrupt


def test_an_unknown_choice_is_refused():
    with pytest.raises(UsageError, match="did you mean front"):
        Budget(keep_weights="fronts")
