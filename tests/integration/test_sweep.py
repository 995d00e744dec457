"""The loop: rounds, budgets, and nothing lost when it is interrupted."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from safetensors.numpy import load_file

from paretoprune.errors import BusyStudyError, CouldNotError, UsageError
from paretoprune.runner.events import Progress, Recorded
from paretoprune.runner.request import SweepRequest
from paretoprune.runner.sweep import sweep
from paretoprune.study import storage
from tests.support.executors import OutOfLuck
from tests.support.sweeps import Interruption, assert_same_table, quiet, request, table


def test_a_sweep_ends_at_its_budget_with_all_files(undisturbed):
    points = table(undisturbed)
    assert len(points) == 10
    assert points["run_id"].is_unique
    assert points["round"].tolist()[:5] == [0, 0, 0, 0, 1]
    assert (points["status"] == "done").all()
    for row in points.itertuples():
        weights = load_file(undisturbed / row.weights)
        prunable = [weights[layer["name"]] for layer in row.layers]
        assert sum(int((tensor != 0).sum()) for tensor in prunable) == row.nonzeros
        assert len(pd.read_parquet(undisturbed / "history" / f"{row.run_id}.parquet")) == 2


@pytest.mark.parametrize(
    ("kind", "count"),
    [(Progress, 1), (Progress, 17), (Recorded, 1), (Recorded, 3), (Progress, 50)],
)
def test_resume_equals_uninterrupted(undisturbed, kind, count):
    with pytest.raises(KeyboardInterrupt):
        sweep(request(), Interruption(kind, count))
    assert len(table()) < 10
    sweep(request(), quiet)
    assert_same_table(table(), table(undisturbed))


def test_interrupted_after_every_fleet_equals_uninterrupted(undisturbed):
    for _ in range(20):
        try:
            sweep(request(), Interruption(Recorded, 1))
            break
        except KeyboardInterrupt:
            continue
    assert_same_table(table(), table(undisturbed))


def test_a_finished_study_trains_nothing(undisturbed):
    before = table(undisturbed)
    summary = sweep(request(undisturbed), Interruption(Progress, 1))
    assert summary.ending == "budget"
    assert_same_table(table(undisturbed), before)


@pytest.mark.slow
def test_a_begun_round_is_finished_when_there_are_more_runs():
    """Ten runs cut the third round of four in two; it is completed before a fourth begins."""
    sweep(request(max_runs=6), quiet)
    assert table()["round"].tolist() == [0] * 4 + [1] * 2
    sweep(request(max_runs=10), quiet)
    sweep(request("at-once", max_runs=10), quiet)
    assert_same_table(table(), table("at-once"))


def test_the_study_remembers_its_settings_and_its_budget(swept):
    swept(max_runs=4)
    summary = sweep(SweepRequest(folder=Path("study"), budget={"max_runs": 6}), quiet)
    assert len(summary.points) == 6
    assert storage.read_plan(Path("study")).budget.fleet == 2


def test_another_fleet_size_has_the_same_first_round(undisturbed):
    sweep(request(max_runs=4, fleet=4), quiet)
    expected = table(undisturbed).head(4)
    assert table()["lam"].tolist() == expected["lam"].tolist()
    assert table()["run_id"].tolist() == expected["run_id"].tolist()
    assert table()["val_loss"].to_numpy() == pytest.approx(expected["val_loss"], rel=0.05)


def test_differing_settings_are_each_named(undisturbed):
    with pytest.raises(UsageError, match=r"--epochs is 2, not 3; --lr is 0\.02, not 0\.1"):
        sweep(request(undisturbed, settings={"epochs": 3, "learning_rate": 0.1}), quiet)


def test_a_time_budget_lets_the_first_round_run_and_no_more():
    summary = sweep(request(time_budget=1e-3), quiet)
    assert summary.ending == "time"
    assert len(summary.points) == 4
    assert sweep(request(time_budget=1e-3), quiet).points["round"].max() == 1


def test_repeats_train_each_lam_with_as_many_seeds():
    summary = sweep(request(max_runs=6, repeats=2), quiet)
    seeds = summary.points.groupby("lam")["seed"].apply(sorted)
    assert len(seeds) == 6
    assert all(found == [0, 1] for found in seeds)


def test_repeats_may_come_later(swept):
    swept(max_runs=4)
    summary = sweep(request(max_runs=4, repeats=3), quiet)
    assert summary.points["seed"].tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert (summary.points["round"] == 0).all()  # the round that is completed


def test_a_failed_fleet_is_recorded_and_not_repeated():
    summary = sweep(request(max_runs=8), quiet, OutOfLuck(good=2))
    failed = summary.points[summary.points["status"] == "failed"]
    assert summary.unsuccessful == len(failed) == (summary.points["round"] == 1).sum() > 0
    assert failed["failure"].str.contains("the machine is too small").all()
    assert all("MemoryError" in (Path("study") / log).read_text() for log in failed["log"])
    assert summary.reasons.get("failed", 0) > 0
    assert summary.holes
    again = sweep(request(max_runs=8), quiet)
    assert again.points["run_id"].is_unique
    assert set(failed["run_id"]) <= set(again.points["run_id"])


def test_where_every_run_fails_the_reason_is_said():
    with pytest.raises(CouldNotError, match="machine is too small"):
        sweep(request(), quiet, OutOfLuck(good=0))
    with pytest.raises(CouldNotError, match="--lr"):
        sweep(request("other", settings={"learning_rate": 1e30}), quiet)


def test_progress_knows_the_whole_sweep():
    events = []
    sweep(request(max_runs=6, fleet=1), events.append)
    steps = [event for event in events if isinstance(event, Progress)]
    assert steps[-1].runs_done == 6
    assert {step.runs_total for step in steps} == {6}
    assert steps[-1].seconds_left == pytest.approx(0, abs=1e-6)
    done = [step.runs_done for step in steps]
    assert done == sorted(done)


def test_nothing_is_left_behind_by_a_mistake():
    with pytest.raises(UsageError, match="did you mean mnist"):
        sweep(request(settings={"dataset": "mnits"}), quiet)
    assert not Path("study").exists()


def test_a_study_that_another_process_begins_is_not_read_before_it_is_free(monkeypatch):
    """The other process has locked the folder, and its plan is not written yet."""
    monkeypatch.setattr("paretoprune.runner.sweep.open_study", None)
    with (
        storage.locked(Path("study")),
        pytest.raises(BusyStudyError, match="another process works on study"),
    ):
        sweep(request(), quiet)


def test_a_new_study_is_built_under_its_lock(monkeypatch):
    seen = []

    def build(folder, request):
        with pytest.raises(BusyStudyError), storage.locked(folder):
            pass
        seen.append(folder)
        raise UsageError("refused")

    monkeypatch.setattr("paretoprune.runner.sweep.open_study", build)
    with pytest.raises(UsageError, match="refused"):
        sweep(request("deep/er/study"), quiet)
    assert seen == [Path("deep/er/study")]
    assert not Path("deep").exists()


def start(folder):
    """The same sweep as `request()`, as a process of its own."""
    options = ["--epochs=2", "--batch-size=256", "--round=4", "--lr=0.02", "--max-runs=10"]
    command = [
        sys.executable,
        "-m",
        "paretoprune",
        "sweep",
        folder,
        "--fleet=2",
        "--tolerance=0",
        "--smgd=0",
    ]
    return subprocess.Popen(
        [*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.slow
@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_killed_process_loses_no_finished_fleet(undisturbed, kill):
    """Each time, the process is killed once it has recorded one more fleet."""
    for _ in range(3):
        process, before = start("study"), fleets("study")
        deadline = time.monotonic() + 60
        while fleets("study") == before and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.002)
        os.kill(process.pid, kill)
        _, err = process.communicate(timeout=60)
        assert fleets("study") > before
        if kill != signal.SIGKILL and process.returncode:
            assert process.returncode == 130
            assert "the same command goes on" in err
    assert start("study").wait(timeout=120) == 0
    assert_same_table(table(), table(undisturbed))


def fleets(folder):
    """Number of rows that are recorded."""
    return len(storage.read(Path(folder))) if storage.is_study(Path(folder)) else 0


def test_the_first_estimate_is_no_guess_from_a_microsecond():
    """A thousand networks a second are more than this machine can train."""
    events = []
    sweep(request(max_runs=4, fleet=1), events.append)
    paces = [event.runs_an_hour for event in events if isinstance(event, Progress)]
    assert max(paces) < 3_600_000
