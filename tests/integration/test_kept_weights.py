"""Sweeps that keep all weights, some, or none."""

from pathlib import Path

import pandas as pd
import pytest

from paretoprune.runner import retention as keeping
from paretoprune.runner.events import Recorded
from paretoprune.runner.sweep import sweep
from paretoprune.study import storage
from tests.support.sweeps import Interruption, assert_same_table, quiet, request


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
    assert_same_table(*(storage.read(Path(name)).drop(columns=drop) for name in ("study", "whole")))


def test_it_may_be_decided_later(swept):
    swept(max_runs=6)
    before = storage.read(Path("study"))
    after = sweep(request(max_runs=6, keep_weights="none"), quiet).points
    assert files() == set()
    pd.testing.assert_frame_equal(
        before.drop(columns=["weights", "layers"]), after.drop(columns=["weights", "layers"])
    )


def test_a_crash_between_table_and_files_leaves_no_name_without_a_file(swept, monkeypatch):
    swept(max_runs=4)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", interrupt)
        with pytest.raises(KeyboardInterrupt):
            sweep(request(max_runs=4, keep_weights="none"), quiet)
    assert storage.read(Path("study"))["weights"].isna().all()
    assert files() != set()
    sweep(request(max_runs=4, keep_weights="none"), quiet)
    assert files() == set()


def test_a_network_without_weights_says_why(paretoprune):
    sweep(request(max_runs=6, keep_weights="none"), quiet)
    assert "weights: not kept" in paretoprune("knee", "study", "--rule=one-se").out


def interrupt(path, missing_ok=False):
    if path.suffix == ".safetensors":
        raise KeyboardInterrupt
