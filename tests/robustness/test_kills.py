"""Sweeps that are killed again and again lose nothing, and what is lost would be seen."""

import json
import signal
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from benchmarks.robustness.kills import TRAINING, WRITE, Ending, Plan, faults_after, kill_sweeps
from benchmarks.robustness.wholeness import damages, differences, files_of, rows_of
from paretoprune.study import storage

STUDY = Path("study")


@pytest.mark.slow
def test_killed_at_any_moment_a_sweep_loses_nothing(tmp_path):
    report = kill_sweeps(15, seed=0, place=tmp_path)
    assert report.faults == []
    assert len(report.kills) == 15
    assert {kill["signal"] for kill in report.kills} == {"SIGKILL", "SIGTERM", "SIGINT"}
    assert {kill["when"] for kill in report.kills} >= {TRAINING, WRITE}
    json.dumps(report.kills)


def lose_a_row():
    table = pq.read_table(STUDY / storage.TABLE)
    pq.write_table(table.slice(1), STUDY / storage.TABLE)


def alter_a_value():
    table = pq.read_table(STUDY / storage.TABLE)
    losses = pd.Series(table["val_loss"]).mul(1 + 1e-15)
    at = table.column_names.index("val_loss")
    pq.write_table(table.set_column(at, "val_loss", [losses]), STUDY / storage.TABLE)


def cut_a_table():
    content = (STUDY / storage.TABLE).read_bytes()
    (STUDY / storage.TABLE).write_bytes(content[: len(content) // 2])


def cut_weights():
    path = STUDY / storage.read(STUDY)["weights"][0]
    path.write_bytes(path.read_bytes()[:-4])


def swap_weights():
    first, second, *_ = (STUDY / name for name in storage.read(STUDY)["weights"])
    first.write_bytes(second.read_bytes())


def lose_the_plan():
    (STUDY / storage.PLAN).unlink()


@pytest.mark.parametrize(
    ("harm", "word"),
    [
        (lose_a_row, "lost or altered"),
        (alter_a_value, "lost or altered"),
        (cut_a_table, "cannot be read"),
        (cut_weights, "does not load"),
        (swap_weights, "nonzeros"),
        (lose_the_plan, "rows are lost"),
    ],
)
def test_what_is_lost_is_seen(swept, harm, word):
    swept(max_runs=4)
    before, files = rows_of(STUDY, without=["weights"]), files_of(STUDY)
    assert damages(STUDY, before, recorded=4) == []
    assert differences(STUDY, files) == []
    harm()
    assert word in " ".join(damages(STUDY, before, recorded=4))
    if word != "cannot be read":
        assert differences(STUDY, files)


def test_what_is_left_or_missing_at_the_end_is_seen(swept):
    swept(max_runs=4)
    files = files_of(STUDY)
    (STUDY / "weights" / "0.partial").write_text("begun")
    next(iter((STUDY / "history").iterdir())).unlink()
    left, missing = sorted(differences(STUDY, files), reverse=True)
    assert left == "weights/0.partial is left"
    assert missing.startswith("history/")
    assert missing.endswith("is missing")
    assert damages(STUDY, {}, recorded=5) == ["5 runs were said to be recorded, 4 are"]


SENTENCE = "interrupted: the same command goes on"


@pytest.mark.parametrize(
    ("code", "words", "fault"),
    [
        (130, SENTENCE, None),
        (-2, SENTENCE, "exit code"),
        (130, "", "not a word"),
        (130, f"Traceback {SENTENCE}", "a traceback"),
        (130, f"2 runs recorded\n{SENTENCE}", "are lost"),
    ],
)
def test_how_a_killed_process_must_end(code, words, fault):
    plan = Plan(TRAINING, signal.SIGINT, 1.0)
    ending = Ending(code, words, "after 1 s", is_done=False)
    faults = faults_after(STUDY, {}, plan, ending)
    assert [fault for _ in faults] == ([fault] if fault else [])
    assert all(fault in one for one in faults)
