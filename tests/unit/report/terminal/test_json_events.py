"""Events of a sweep as lines of JSON."""

import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from paretoprune.report.terminal.json_events import JsonView
from paretoprune.runner.events import Progress
from paretoprune.runner.sweep import sweep
from paretoprune.study import storage
from tests.support.sweeps import request

QUICK = ["--epochs=2", "--batch-size=256", "--lr=0.02", "--max-runs=4", "--round=2", "--fleet=1"]


def events_of(text):
    """The events, one on each line: name -> those of this name."""
    events = [json.loads(line) for line in text.splitlines()]
    times = [datetime.fromisoformat(event.pop("at")) for event in events]
    assert times == sorted(times)
    return events, {event["event"]: event for event in events}


@pytest.mark.slow
def test_events_are_lines_of_json_and_the_answer_stays(paretoprune):
    answer = paretoprune("sweep", "study", *QUICK, "--smgd=1", "--json-progress")
    assert answer.code == 0
    events, last = events_of(answer.err)
    assert list(last) == ["plan", "note", "progress", "recorded", "ended"]
    assert [events[0]["event"], events[-1]["event"]] == ["plan", "ended"]
    assert last["plan"]["settings"]["epochs"] == 2
    assert last["plan"]["budget"]["max_runs"] == 4
    assert last["plan"]["measured"]["prunable_weights"] > 0
    assert last["note"]["text"].startswith("fleets of 1")
    assert {"runs_done", "runs_total", "seconds_left", "nodes", "fleets", "waiting"} < set(
        last["progress"]
    )
    assert last["progress"]["runs_total"] == 5
    recorded = [event["runs"] for event in events if event["event"] == "recorded"]
    assert recorded == [1, 2, 3, 4, 5]
    assert last["recorded"]["unsuccessful"] == 0
    assert 1 <= last["recorded"]["on_front"] <= 4
    again, plain = (paretoprune("sweep", "study", *more) for more in (["--json-progress"], []))
    assert [line for line in again.out.splitlines() if "this time" not in line] == [
        line for line in plain.out.splitlines() if "this time" not in line
    ]
    assert "The front (validation data)" in answer.out


def test_a_sweep_that_fails_says_why_it_was_broken_off(paretoprune):
    answer = paretoprune("sweep", "study", *QUICK, "--smgd=0", "--lr=1e30", "--json-progress")
    assert (answer.code, answer.out) == (1, "")
    *lines, sentence = answer.err.splitlines()
    _, last = events_of("\n".join(lines))
    assert "ended" not in last
    assert last["recorded"]["unsuccessful"] == last["recorded"]["runs"] > 0
    assert sentence == f"paretoprune: {last['broken off']['text']}"
    assert "no run could be trained to its end" in sentence


def test_ctrl_c_is_an_event_without_a_text_of_its_own(capsys):
    with pytest.raises(KeyboardInterrupt), JsonView():
        raise KeyboardInterrupt
    _, last = events_of(capsys.readouterr().err)
    assert last == {"broken off": {"event": "broken off", "text": "interrupted"}}


def test_what_is_no_number_is_null_and_progress_comes_once_a_second(capsys):
    step = Progress(
        round=0,
        lams=(0.0, None),
        step=1,
        steps=2,
        epochs=1,
        runs_done=0.5,
        runs_total=3,
        seconds_left=float("inf"),
    )
    with JsonView() as view:
        for _ in range(50):
            view(step)
    events, last = events_of(capsys.readouterr().err)
    assert [event["event"] for event in events] == ["progress"]
    assert (last["progress"]["seconds_left"], last["progress"]["lams"]) == (None, [0.0, None])


def test_nobody_reads_the_events_and_the_training_goes_on(monkeypatch):
    snapshot, writing = os.pipe()
    os.close(snapshot)
    monkeypatch.setattr(sys, "stderr", os.fdopen(writing, "w", closefd=False))
    with JsonView() as view:
        sweep(request(max_runs=4), view)
    assert view.is_silent
    assert len(storage.read(Path("study"))) == 4
    os.close(writing)


@pytest.mark.slow
def test_a_program_that_closes_the_pipe_does_not_end_the_sweep():
    command = [sys.executable, "-m", "paretoprune", "sweep", "study", *QUICK, "--json-progress"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    process.stderr.close()
    assert process.wait(timeout=120) == 0
    assert (storage.read(Path("study"))["status"] == "done").all()
