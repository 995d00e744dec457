"""Options: one declaration and its behaviour reach every place that knows options."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from paretoprune.errors import UsageError
from paretoprune.runner.executors.ray import RayConfig
from paretoprune.runner.keywords import read_options
from paretoprune.runner.place import Place
from paretoprune.runner.runs import run_template
from paretoprune.study.options import PANELS, options_of
from paretoprune.study.plan import Budget
from paretoprune.study.settings import Settings
from tests.support.checkout import ROOT
from tests.support.keyword_reference import MODULE, written

# An option, as somebody adds it to `Settings`, and its behaviour. Then a piece of code.
ADDED = """
import sys
from dataclasses import make_dataclass
from paretoprune.study import settings
from paretoprune.study.options import TRAINING, option, within

pace = option(
    1.0, "Factor of every λ (default: 1)", TRAINING, valid=within(0.5, 9), of_run="pace",
    in_check=True,
)
settings.Settings = make_dataclass(
    "Settings", [("pace", float, pace)], bases=(settings.Settings,), frozen=True, kw_only=True
)

from paretoprune.study.template import option_named, option_value
from paretoprune.training import train

pace_of_runs = option_named(settings.Settings, "pace")
rising = train.lam_scale_of
train.lam_scale_of = lambda run, at: rising(run, at) * option_value(run, pace_of_runs)

import contextlib, inspect, io, json
from paretoprune.__main__ import main
"""
COMMANDS = """
answers = []
for command in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(command)
        except SystemExit as exit_:
            code = exit_.code or 0
    answers.append([code, out.getvalue(), " ".join(err.getvalue().split())])
import paretoprune
from tests.support.command_reference import reference
from tests.support.keyword_reference import written
signature = str(inspect.signature(paretoprune.sweep))
print(json.dumps([answers, reference(), written(), signature, paretoprune.sweep.__doc__]))
"""
SMALL = ["--epochs=2", "--max-runs=2", "--round=2", "--smgd=0"]


@pytest.mark.slow
def test_a_new_option_reaches_range_run_commands_python_table_and_documentation():
    commands = [
        ["sweep", "plain", *SMALL],
        ["sweep", "fast", *SMALL, "--pace=3"],
        ["sweep", "fast", "--pace=4"],
        ["sweep", "wild", "--pace=10"],
        ["check", *SMALL, "--pace=3", "--json"],
        ["show", "fast", "--csv"],
    ]
    ended = subprocess.run(
        [sys.executable, "-c", ADDED + COMMANDS, json.dumps(commands)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert not ended.returncode, ended.stderr
    answers, reference, types, signature, doc = json.loads(ended.stdout.splitlines()[-1])
    plain, fast, other, wild, checked, csv = answers
    assert (plain[0], fast[0], checked[0]) == (0, 0, 0)
    assert (other[0], wild[0]) == (2, 2)
    assert "--pace is 3.0, not 4.0" in other[2]
    assert "--pace 10.0 is out of range: it must be from 0.5 to 9" in wild[2]
    assert "pace = 3.0" in Path("fast/study.toml").read_text()
    tables = [pd.read_parquet(f"{name}/points.parquet") for name in ("plain", "fast")]
    assert [table["pace"].tolist() for table in tables] == [[1.0, 1.0], [3.0, 3.0]]
    assert "pace" in csv[1].splitlines()[0].split(",")
    first, second = (table[table["lam"] > 0].iloc[0] for table in tables)
    assert (first["lam"], first["seed"]) == (second["lam"], second["seed"])
    assert first["run_id"] != second["run_id"]
    assert first["complexity"] > second["complexity"]
    assert reference.count("- `--pace`: Factor of every λ (default: 1)") == 2
    assert "    pace: float | None\n" in types
    assert "pace: float | None = None" in signature
    assert "pace: Factor of every λ" in doc
    assert first["run_id"] == plain_id(first)


def plain_id(row):
    """The id of the same run in a program without the option."""
    settings = Settings.from_options({"epochs": 2, "round_size": 2})
    return replace(run_template(settings), lam=row["lam"], seed=int(row["seed"])).id


def test_the_types_of_the_keyword_arguments_are_as_declared():
    assert MODULE.read_text() == written(), "run `python -m tests.support.keyword_reference`"


OPTIONS = [each for kind in (Settings, Budget, Place, RayConfig) for each in options_of(kind)]


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_each_declaration_says_what_it_must(option):
    assert option.help
    assert not option.help.endswith(".")
    assert option.panel in PANELS
    assert option.typed.startswith("--")
    option.require(option.default)
    option.require(None)
    for wrong in (object(), "text" if option.kind is not str else 7, b"bytes"):
        with pytest.raises(UsageError, match=f"{option.typed} is .*: it must be a? ?"):
            option.require(wrong)


@pytest.mark.parametrize(
    ("options", "read"),
    [
        ({"epochs": pd.Series([5])[0]}, {"epochs": 5}),
        ({"lr": pd.Series([0.5], dtype="float32")[0]}, {"learning_rate": 0.5}),
        ({"learning_rate": 1}, {"learning_rate": 1.0}),
        ({"fail_fast": np.bool_(True)}, {"fail_fast": True}),
        ({"keep": [0.5, 0.1]}, {"keep": "0.5,0.1"}),
        ({"fleet": "auto", "time_budget": "10m"}, {"fleet": 0, "time_budget": 600.0}),
        ({"init": Path("a/b"), "data_dir": "c"}, {"init": "a/b", "data_dir": Path("c")}),
        ({"epochs": None}, {}),
    ],
    ids=str,
)
def test_python_takes_numbers_paths_and_words_as_people_have_them(options, read):
    given = read_options({}, options)
    assert given == read
    assert [type(value) for value in given.values()] == [type(value) for value in read.values()]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"epochs": "many"}, "--epochs is 'many': it must be a whole number"),
        ({"epochs": 2.5}, "--epochs is 2.5: it must be a whole number"),
        ({"epochs": True}, "--epochs is True: it must be a whole number"),
        ({"lr": "fast"}, "--lr is 'fast': it must be a number"),
        ({"split": 1}, "--split is 1: it must be True or False"),
        ({"optimizer": 3}, "--optimizer is 3: it must be a text"),
        ({"device": 0}, "--device is 0: it must be a text"),
        ({"epochs": Path("3")}, "--epochs is PosixPath('3'): it must be a whole number"),
        ({"fail_fast": Path("no")}, "--fail-fast is PosixPath('no'): it must be True or False"),
        ({"init": 5}, "--init is 5: it must be a text"),
        ({"optimizer": ["a"]}, "--optimizer is ['a']: it must be a text"),
        ({"dataset": 5}, "--dataset is 5: it must be a text"),
        ({"data_dir": 5}, "--data-dir is 5: it must be a path"),
        ({"executor": "ray", "ray_address": 5}, "--ray-address is 5: it must be a text"),
        ({"lr": 10**400}, "--lr inf is out of range"),
        ({"modle": "mlp"}, "option modle is unknown: did you mean model?"),
        ({"datas": "digits"}, "option datas is unknown: did you mean data?"),
        ({"fleet": "all"}, "--fleet all is not auto or a number of networks"),
        ({"time_budget": "soon"}, "--time-budget soon is not a duration"),
        ({"time_budget": -1}, "--time-budget -1.0 is out of range: it must be a number above 0"),
        ({"lr": 0.1, "learning_rate": 0.1}, "learning_rate is given twice"),
    ],
    ids=str,
)
def test_python_refuses_values_of_another_kind(options, sentence):
    import paretoprune as pp

    with pytest.raises(UsageError) as caught:
        pp.sweep(out="study", progress=False, **options)
    assert str(caught.value).startswith(sentence)
    assert not Path("study").exists()
