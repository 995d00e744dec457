"""Options of an executor: mistakes are told before Ray starts."""

import importlib.util
from pathlib import Path

import pytest

import paretoprune as pp
from paretoprune.errors import UsageError
from paretoprune.runner.executors import NAMES
from paretoprune.runner.executors.open_executor import EXECUTORS
from paretoprune.runner.executors.ray import RayConfig, ray_config_of

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
        ({"executor": "ray", "gpus_per_fleet": 2}, "--gpus-per-fleet 2.0 is out of range"),
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


def test_the_papers_searches_need_their_rounds(paretoprune):
    answer = paretoprune("sweep", "study", "--recipe=paper", "--search=bisection", "--async")
    assert answer.code == 2
    assert "--async knows no rounds" in answer.err
    assert not Path("study").exists()
