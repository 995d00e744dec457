"""Options of a cluster without one: mistakes are told before Ray starts; events as JSON."""

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

import paretoprune as pp
from paretoprune.errors import UsageError
from paretoprune.report.terminal.json_events import JsonView
from paretoprune.runner.events import Progress
from paretoprune.runner.executors import NAMES
from paretoprune.runner.executors.open_executor import EXECUTORS
from paretoprune.runner.executors.ray import RayConfig, ray_config_of
from paretoprune.runner.executors.ray.runtime_env import home_of, runtime_env
from paretoprune.runner.sweep import idle, sweep
from paretoprune.study import storage as store
from tests.test_rounds import plan_of
from tests.test_sweep import request

QUICK = ["--epochs=2", "--batch-size=256", "--lr=0.02", "--max-runs=4", "--round=2", "--fleet=1"]
ON_RAY = "sweep study --executor ray"
NOT_THERE = "127.0.0.1:9"
NO_ADDRESS = "is no address: give auto, local or HOST:PORT, on a machine of the cluster"

MISTAKES = [
    ("sweep study --executor rai", "--executor rai is unknown: did you mean ray?"),
    ("sweep study --executor slurm", "--executor slurm is unknown: Choose from local, ray"),
    (f"{ON_RAY} --ray-address here", f"--ray-address here {NO_ADDRESS}"),
    (f"{ON_RAY} --ray-address head", f"--ray-address head {NO_ADDRESS}"),
    (f"{ON_RAY} --ray-address head:", f"--ray-address head: {NO_ADDRESS}"),
    (f"{ON_RAY} --ray-address :6379", f"--ray-address :6379 {NO_ADDRESS}"),
    (f"{ON_RAY} --ray-address ray://h:10001", f"--ray-address ray://h:10001 {NO_ADDRESS}"),
    (f"{ON_RAY} --ray-address {NOT_THERE}", f"--ray-address {NOT_THERE}: nobody answers there"),
    (f"{ON_RAY} --gpus-per-fleet 2", "--gpus-per-fleet 2.0 is out of range: it must be from 0 to"),
    (f"{ON_RAY} --gpus-per-fleet 1.01", "--gpus-per-fleet 1.01 is out of range"),
    (f"{ON_RAY} --gpus-per-fleet -1", "--gpus-per-fleet -1.0 is out of range"),
    (f"{ON_RAY} --gpus-per-fleet nan", "--gpus-per-fleet nan is out of range"),
    (f"{ON_RAY} --gpus-per-fleet inf", "--gpus-per-fleet inf is out of range"),
    (f"{ON_RAY} --gpus-per-fleet 0 --device cuda", "--gpus-per-fleet 0 leaves no GPU for --device"),
    (f"{ON_RAY} --cpus-per-fleet 0", "--cpus-per-fleet 0 is out of range: it must be from 1 to"),
    (f"{ON_RAY} --cpus-per-fleet 1025", "--cpus-per-fleet 1025 is out of range"),
    (f"{ON_RAY} --retries -1", "--retries -1 is out of range: it must be from 0 to 100"),
    (f"{ON_RAY} --retries 101", "--retries 101 is out of range"),
    (f"{ON_RAY} --device gpu --ray-address {NOT_THERE}", "--device gpu is unknown"),
    ("sweep study --ray-address auto", "--ray-address: of a Ray cluster; add --executor ray"),
    ("sweep study --gpus-per-fleet 0", "--gpus-per-fleet: of a Ray cluster; add --executor ray"),
    (
        "sweep study --executor local --retries 2 --cpus-per-fleet 2",
        "--cpus-per-fleet, --retries: of a Ray cluster; add --executor ray, or leave it out",
    ),
]


def test_every_executor_has_a_name():
    assert tuple(EXECUTORS) == NAMES


@pytest.fixture
def _ray_is_missing(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *more: None if name == "ray" else find(name, *more),
    )


@pytest.fixture
def _ray_is_there(monkeypatch):
    """As far as the options are concerned."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: "ray")


@pytest.mark.parametrize(("command", "sentence"), MISTAKES, ids=lambda value: str(value))
def test_a_mistake_gets_one_sentence_and_leaves_nothing_behind(paretoprune, command, sentence):
    pytest.importorskip("ray")
    answer = paretoprune(*command.split())
    assert answer.code == 2, answer.err
    assert sentence in answer.err
    assert answer.err.startswith("paretoprune: ")
    assert (answer.err.count("\n"), answer.out) == (1, "")
    assert list(Path().iterdir()) == [], "a mistake left something behind"


@pytest.mark.usefixtures("_ray_is_missing")
def test_without_ray_the_extra_is_named_that_brings_it(paretoprune):
    answer = paretoprune(*ON_RAY.split())
    needs = "--executor ray needs Ray: pip install 'paretoprune[ray]'"
    assert (answer.code, answer.err.strip()) == (2, f"paretoprune: {needs}")
    with pytest.raises(UsageError) as caught:
        pp.sweep(executor="ray", out="study", progress=False)
    assert str(caught.value) == needs
    assert not Path("study").exists()


@pytest.mark.usefixtures("_ray_is_there")
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"executor": "rai"}, "--executor rai is unknown: did you mean ray?"),
        ({"executor": "ray", "ray_address": "here"}, f"--ray-address here {NO_ADDRESS}"),
        ({"executor": "ray", "gpus_per_fleet": 2}, "--gpus-per-fleet 2 is out of range"),
        ({"executor": "ray", "cpus_per_fleet": 0}, "--cpus-per-fleet 0 is out of range"),
        ({"executor": "ray", "retries": -1}, "--retries -1 is out of range"),
        ({"ray_address": "auto"}, "--ray-address: of a Ray cluster; add --executor ray"),
        ({"ray_adress": "auto"}, "option ray_adress is unknown: did you mean ray_address?"),
        (
            {"executor": "ray", "gpus_per_fleet": 0, "device": "cuda"},
            "--gpus-per-fleet 0 leaves no GPU",
        ),
    ],
    ids=str,
)
def test_python_refuses_the_same(options, sentence):
    with pytest.raises(UsageError) as caught:
        pp.sweep(out="study", progress=False, **options)
    assert str(caught.value).startswith(sentence)
    assert not Path("study").exists()


@pytest.mark.usefixtures("_ray_is_there")
def test_what_is_asked_for_is_what_is_taken():
    assert ray_config_of("local", {}, "cuda") == RayConfig()
    assert ray_config_of("ray", {}, "auto") == RayConfig(
        ray_address="auto", gpus_per_fleet=None, cpus_per_fleet=1, retries=2
    )
    given = {"ray_address": "[::1]:6379", "gpus_per_fleet": 0.25, "cpus_per_fleet": 4, "retries": 0}
    assert vars(ray_config_of("ray", given, "cuda")) == given
    assert ray_config_of("ray", {"gpus_per_fleet": 0}, "cpu").gpus_per_fleet == 0
    for address in ("auto", "local", "head-1.example:6379", "10.0.0.1:1"):
        assert ray_config_of("ray", {"ray_address": address}, "auto").ray_address == address


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
    reading, writing = os.pipe()
    os.close(reading)
    monkeypatch.setattr(sys, "stderr", os.fdopen(writing, "w", closefd=False))
    with JsonView() as view:
        sweep(request(max_runs=4), view)
    assert view.is_silent
    assert len(store.read(Path("study"))) == 4
    os.close(writing)


@pytest.mark.slow
def test_a_program_that_closes_the_pipe_does_not_end_the_sweep():
    command = [sys.executable, "-m", "paretoprune", "sweep", "study", *QUICK, "--json-progress"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    process.stderr.close()
    assert process.wait(timeout=120) == 0
    assert (store.read(Path("study"))["status"] == "done").all()


def test_the_first_estimate_is_no_guess_from_a_microsecond():
    """A thousand networks a second are more than this machine can train."""
    events = []
    sweep(request(max_runs=4, fleet=1), events.append)
    paces = [event.runs_an_hour for event in events if isinstance(event, Progress)]
    assert max(paces) < 3_600_000


def test_the_papers_searches_need_their_rounds(paretoprune):
    answer = paretoprune("sweep", "study", "--recipe=paper", "--search=bisection", "--async")
    assert answer.code == 2
    assert "--async knows no rounds" in answer.err
    assert not Path("study").exists()


@pytest.mark.parametrize(
    ("slots", "budget", "said"),
    [(9, {}, "8 fleets"), (8, {}, ""), (5, {"fleet": 2}, "4 fleets"), (20, {"repeats": 3}, "")],
)
def test_a_cluster_that_a_round_does_not_fill_is_said_so(slots, budget, said):
    plan = plan_of()
    plan = replace(plan, budget=replace(plan.budget, **({"fleet": 1} | budget)))
    notes = idle(plan, slots)
    assert len(notes) == bool(said)
    assert all(f"a round has {said}, and there is room for {slots}" in note for note in notes)


@pytest.mark.parametrize(
    ("total", "need", "fleets"),
    [(4, 1, 4), (4, 0.25, 16), (4, 0.3, 12), (4, 0.6, 4), (7, 2, 3), (0, 1, 0), (0, 0.5, 0)],
)
def test_a_share_is_of_one_gpu(total, need, fleets):
    executor = pytest.importorskip("paretoprune.runner.executors.ray.ray_executor")
    assert executor.room(total, need) == fleets


def test_only_code_of_ones_own_is_sent(tmp_path, monkeypatch):
    folder = tmp_path / "mine" / "inner"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("def net(): ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    own = importlib.import_module("mine.inner")
    assert home_of(own.net) == tmp_path
    assert home_of(pytest.fixture) is None
    assert home_of(json.dumps) is None
    assert runtime_env([json.dumps]) == {}
    sent = runtime_env([own.net, json.dumps])
    assert sent["working_dir"] == str(tmp_path)
    assert "py_executable" not in sent or " " in sys.executable
    monkeypatch.setattr(sys, "executable", "/of a user/bin/python")
    assert runtime_env([own.net])["py_executable"] == "'/of a user/bin/python'"
    del sys.modules["mine.inner"], sys.modules["mine"]
