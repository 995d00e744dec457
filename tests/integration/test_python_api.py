"""paretoprune from Python: the same as the command line, with objects in place of names."""

import subprocess
import sys
from pathlib import Path

import matplotlib.figure
import pytest
import torch
from torch import nn

import paretoprune as pp
from paretoprune.errors import UsageError
from paretoprune.runner.request import default_folder
from paretoprune.study.settings import Settings
from tests.support.sweeps import assert_same_table, table

OPTIONS = {"epochs": 2, "max_runs": 4, "round": 4, "fleet": 4, "smgd": 0, "progress": False}


def digits_again(seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(300, 5, generator=generator)
    y = (x[:, 0] > 0).long() + (x[:, 1] > 0).long()
    return (x[:200], y[:200]), (x[200:], y[200:])


def build(shape, classes):
    return nn.Sequential(nn.Linear(shape[0], 12), nn.ReLU(), nn.Linear(12, classes))


def test_a_sweep_is_the_command_lines(paretoprune):
    pp.sweep(model="mlp", data="digits", out="one", lr=0.01, **OPTIONS)
    options = ["--epochs=2", "--max-runs=4", "--round=4", "--fleet=4", "--smgd=0", "--lr=0.01"]
    assert paretoprune("sweep", "two", "--model=mlp", *options).code == 0
    assert_same_table(table("one"), table("two"))
    assert Path("one/study.toml").read_text() == Path("two/study.toml").read_text()


@pytest.mark.slow
def test_objects_are_trained_and_handed_over(paretoprune):
    study = pp.sweep(model=build, data=digits_again, out="own", **{**OPTIONS, "epochs": 30})
    assert len(study.points) == 4
    assert set(study.front()["run_id"]) <= set(study.points["run_id"])
    best = study.front().iloc[0]
    network = study.load(best["run_id"])
    assert type(network) is nn.Sequential
    assert not network.training
    (_, _), (x, y) = digits_again(0)
    wrong = (network(x).argmax(1) != y).float().mean().item()
    assert wrong == pytest.approx(best["test_error"], abs=1e-6)
    made = study.export("net.safetensors", best["run_id"], is_compact=True)
    assert made.path.exists()
    more = pp.sweep(
        model=build, data=digits_again, out="own", **{**OPTIONS, "max_runs": 6, "epochs": 30}
    )
    assert len(more.points) == 6
    assert repr(more).startswith("Study('own'): 6 runs")
    answer = paretoprune("sweep", "own", "--max-runs=8")
    assert answer.code == 0, "a function of a module can be found again"


def test_tensors_and_lambdas_need_no_module(paretoprune):
    study = pp.sweep(
        model=lambda shape: build(shape, 3), data=digits_again(0), out="own", **OPTIONS
    )
    assert len(study.points) == 4
    answer = paretoprune("sweep", "own", "--max-runs=8")
    assert (answer.code, "was given by a Python program" in answer.err) == (2, True)
    with pytest.raises(UsageError, match="was given by a Python program"):
        pp.Study("own").load(study.points["run_id"][0])


def test_a_study_without_a_name_gets_that_of_its_objects():
    assert default_folder(Settings(dataset="a.b:c", model="a.b:d")) == Path("b")
    assert default_folder(Settings(dataset="__main__:data", model="mlp")) == Path("data-mlp")
    assert default_folder(Settings(dataset="digits", model="__main__:<lambda>")) == Path(
        "digits-own"
    )


@pytest.mark.slow
def test_a_knee_is_a_row_or_none():
    study = pp.sweep(data="digits", out="s", **{**OPTIONS, "epochs": 8, "max_runs": 8, "round": 8})
    knee = study.knee("one-se")
    assert knee["run_id"] in set(study.points["run_id"])
    assert study.knee("chord", axes="error,nonzeros") is not None
    with pytest.raises(UsageError, match="--rule cord is unknown: did you mean chord"):
        study.knee("cord")
    assert isinstance(study.load("knee"), nn.Module)


def test_pictures_are_shown_and_written():
    study = pp.sweep(data="digits", out="s", **OPTIONS)
    figure = study.plot()
    assert isinstance(figure, matplotlib.figure.Figure)
    assert len(figure.axes) >= 2
    study.plot("front.svg", kind="history")
    assert Path("front.svg").exists()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"max_run": 3}, "^option max_run is unknown: did you mean max_runs"),
        ({"data": "digit"}, "did you mean digits"),
        ({"loss": "mse"}, "the targets are classes"),
        ({"model": 3}, "model is a int: give a name or a function"),
        ({"dataset": "mnist"}, "dataset is given twice, also under another name"),
        ({"lr": 0.1, "learning_rate": 0.2}, "learning_rate is given twice"),
    ],
)
def test_mistakes_are_said(options, complaint):
    with pytest.raises(UsageError, match=complaint):
        pp.sweep(**{"data": "digits", "out": "s", **OPTIONS, **options})
    assert not Path("s").exists()


def test_importing_it_loads_nothing_heavy():
    code = "import sys, paretoprune; sys.exit('torch' in sys.modules or 'pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    with pytest.raises(AttributeError, match="no attribute 'swep'"):
        _ = pp.swep
    assert {"sweep", "Study"} <= set(dir(pp))
