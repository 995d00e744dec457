"""Methods: the contract of all of them, and a new one that reaches every place."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from paretoprune.study.columns import COLUMNS
from paretoprune.study.options import from_values, options_of
from paretoprune.study.plan import Budget, Plan
from paretoprune.study.run import Run
from paretoprune.study.settings import Settings
from paretoprune.training.checkpoint import Checkpoint
from paretoprune.training.methods import METHODS, Method, columns_of, option_columns
from paretoprune.training.step import begin, take_step
from paretoprune.training.train import train_fleet
from tests.support.checkout import ROOT
from tests.support.fronts import MEASURED
from tests.support.problems import problem

ALL = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


def runs_of(method: Method, count: int) -> list[Run]:
    """Runs of a method with other seeds, and other λs if it has any."""
    first = replace(method.template(Settings(epochs=3)), learning_rate=1e-3)
    lams = [10.0**-number for number in range(3, 3 + count)] if method.has_lam else [None] * count
    return [replace(first, seed=seed, lam=lam) for seed, lam in enumerate(lams)]


def silent(step, steps):
    """Report to nobody."""


@ALL
def test_a_declaration_is_complete(method):
    assert METHODS[method.name] is method
    assert method.label
    template = method.template(Settings())
    assert template.method == method.name
    assert (template.lam == 0) == method.has_lam
    assert method.runs(Plan(settings=Settings(), budget=Budget(), measured=MEASURED)) == []
    further = {each.name for each in method.columns} | set(method.quantities)
    assert not further & COLUMNS.keys()
    known = {each.name for kind in (Settings, Budget) for each in options_of(kind)}
    for kind in filter(None, (method.settings, method.budget)):
        assert not {each.name for each in options_of(kind)} & known


@pytest.mark.parametrize(
    ("name", "run_id"), [("weighted-sum", "2598cd24c1ae"), ("smgd", "cfb83d064ffe")]
)
def test_runs_keep_their_ids(name, run_id):
    """Those at λ = 0, and of the comparison, of a plain sweep of the digits."""
    assert METHODS[name].template(Settings.from_options({})).id == run_id


@ALL
def test_fleet_equals_alone(method, double):
    task, runs = problem("lenet5"), runs_of(method, 3)
    fleet, alone = begin(runs, task), [begin([run], task) for run in runs]
    data, order = task.problem.data.train, task.problem.order(0)
    for step in range(20):
        for training in (fleet, *alone):
            take_step(training, data[order[step * 8 : step * 8 + 8]], 1.0, 0.5)
    for index, single in enumerate(alone):
        for name, value in single.fleet.parameters.items():
            together = fleet.fleet.parameters[name][index]
            torch.testing.assert_close(together, value[0], rtol=0, atol=1e-9)


@ALL
def test_its_outcome_has_its_columns_and_its_history(method):
    (outcome,) = train_fleet(runs_of(method, 1), problem("lenet5", images=64), silent)
    trained = {column.name for column in method.columns if column.filled_by == "training"}
    assert outcome.point.values.keys() - COLUMNS.keys() == trained
    row = option_columns(outcome.point.run) | outcome.point.columns()
    assert row.keys() >= {column.name for column in columns_of(method)}
    block, *_ = method.weights
    assert outcome.history.keys() >= {"epoch", "val_loss", *block, *method.quantities}
    assert np.isfinite([*outcome.history[block[0]], *outcome.history[block[1]]]).all()


@ALL
def test_its_options_enter_its_runs(method):
    """An option of runs changes the id where it is not at its default."""
    for kind in filter(None, (method.settings, method.budget)):
        for each in (option for option in options_of(kind) if option.of_run):
            other = {bool: not each.default, int: 7, float: 0.25, str: "other"}[each.kind]
            settings = from_values(Settings, {each.name: other})
            assert method.template(settings).id != method.template(Settings()).id


class Keeper:
    """Keeps the last checkpoint, as a policy does that saves after each epoch."""

    def __init__(self):
        self.kept = None

    def load(self):
        return self.kept

    def save(self, epochs, seconds, started_at, state):
        copies = {name: value.copy() for name, value in state().items()}
        self.kept = Checkpoint(copies, seconds, started_at)

    def refuse(self, error):
        return error


@ALL
def test_resume_equals_uninterrupted(method):
    """Also where a method keeps state of its own: in an interruption in the third epoch."""

    def interrupted(step, steps):
        if step == steps - 1:
            raise KeyboardInterrupt

    task, runs, keeper = problem("lenet5", images=64), runs_of(method, 2), Keeper()
    whole = train_fleet(runs, task, silent)
    with pytest.raises(KeyboardInterrupt):
        train_fleet(runs, task, interrupted, keeper)
    for one, other in zip(whole, train_fleet(runs, task, silent, keeper), strict=True):
        assert one.history == other.history
        for name, value in one.weights.items():
            np.testing.assert_array_equal(value, other.weights[name])


# A method, as somebody adds it: a λ that fades, with an option, a column, state and a quantity.
ADDED = """
import sys
from dataclasses import dataclass, replace
from paretoprune.study.column import Column
from paretoprune.study.options import option, require_valid, within
from paretoprune.study.template import option_named, option_value, run_template
from paretoprune.training.methods import METHODS, Method, columns_of, option_columns

@dataclass(frozen=True, kw_only=True)
class Options:
    fade: float = option(0.5, "How fast λ fades (default: 0.5)", "Fading", valid=within(0, 1),
                         of_run="fade", in_check=True)
    def __post_init__(self):
        require_valid(self)

def begin(runs, fleet, problem):
    import torch
    from paretoprune.training.methods.step_rule import lams_of, rule_of_complexity
    lams, age = lams_of(runs, problem), torch.zeros(len(runs))
    fade = option_value(runs[0], option_named(Options, "fade"))
    def weights(lam_scale):
        faded = lams * lam_scale * (1 + age) ** -fade
        return torch.stack((1 - faded, faded), 1).unsqueeze(1)
    rule = rule_of_complexity(fleet, problem, runs[0], known=weights)
    return replace(rule, state={"age": age}, after_step=lambda: age.add_(1),
                   quantities=lambda: {"age": age.clone()},
                   values=lambda index: {"last_age": int(age[index])})

METHODS["fading"] = Method(
    name="fading", label="Fading λ", has_lam=True, settings=Options, begin=begin,
    template=lambda settings: run_template(settings, "fading", lam=0.0, declared=[Options]),
    columns=(Column("last_age", "whole", "steps of the run", "steps", older=None, is_mean=True),),
    quantities=("age",), complexities=("l1",),
)
from paretoprune.__main__ import main
import contextlib, inspect, io, json
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
    answers.append([code, " ".join(out.getvalue().split()), " ".join(err.getvalue().split())])
import paretoprune
from tests.support.command_reference import reference
from tests.support.keyword_reference import written
signature = str(inspect.signature(paretoprune.sweep))
print(json.dumps([answers, reference(), written(), signature]))
"""
INTERRUPTED = """
import numpy as np
from paretoprune.study.settings import Settings
from paretoprune.training.checkpoint import Checkpoint
from paretoprune.training.train import train_fleet
from tests.support.problems import problem

class Interruption(BaseException):
    pass

def once(step, steps):
    if step == steps - 1:
        raise Interruption


run = replace(METHODS["fading"].template(Settings(epochs=3)), lam=0.01)
task = problem("lenet5", images=64)
kept = {}

class Keeper:
    def load(self):
        return kept.get("at")
    def save(self, epochs, seconds, started_at, state):
        copied = {name: value.copy() for name, value in state().items()}
        kept["at"] = Checkpoint(copied, seconds, started_at)
    def refuse(self, error):
        return error

(whole,) = train_fleet([run], task, lambda step, steps: None)
with contextlib.suppress(Interruption):
    train_fleet([run], task, once, Keeper())
(resumed,) = train_fleet([run], task, lambda step, steps: None, Keeper())
assert resumed.history == whole.history
assert resumed.point.values["last_age"] == whole.point.values["last_age"] > 0
for name, value in whole.weights.items():
    np.testing.assert_array_equal(value, resumed.weights[name])
"""
SMALL = ["--epochs=3", "--max-runs=4", "--round=4", "--smgd=1", "--lr=0.02"]


def with_the_method(code, *arguments):
    ended = subprocess.run(
        [sys.executable, "-c", ADDED + code, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert not ended.returncode, ended.stderr
    return ended.stdout


@pytest.mark.slow
def test_a_new_method_reaches_the_commands_table_history_pictures_and_comparison():
    commands = [
        ["sweep", "plain", *SMALL],
        ["sweep", "faded", *SMALL, "--method=fading", "--fade=0.9"],
        ["sweep", "faded", "--max-runs=5"],
        ["sweep", "faded", "--fade=0.1"],
        ["sweep", "plain", "--fade=0.1"],
        ["sweep", "other", "--method=fading", "--complexity=group-l1"],
        ["show", "faded", "--all", "--csv"],
        ["compare", "plain", "faded"],
        ["plot", "faded", "--kind=history", "-o", "history.svg"],
        ["plot", "plain", "faded", "-o", "fronts.svg"],
        ["check", *SMALL, "--method=fading", "--fade=0.9"],
    ]
    output = with_the_method(COMMANDS + INTERRUPTED, json.dumps(commands))
    answers, reference, types, signature = json.loads(output.splitlines()[-1])
    plain, faded, more, other, foreign, unfit, csv, compared, history, fronts, checked = answers
    for answer in (plain, faded, more, csv, compared, history, fronts):
        assert answer[0] == 0, answer
    assert "--fade is 0.9, not 0.1" in other[2]
    assert "--fade is of --method fading, and this study has --method weighted-sum" in foreign[2]
    assert "--method fading minimises --complexity l1, not group-l1" in unfit[2]
    assert (other[0], foreign[0], unfit[0], checked[0]) == (2, 2, 2, 0)
    table = pd.read_parquet("faded/points.parquet")
    searched = table[table["role"] == "search"]
    assert searched["method"].tolist() == ["fading"] * 5
    steps = 3 * -(-int(0.9 * 1437) // 32)
    assert searched["last_age"].tolist() == [steps] * 5
    assert searched["fade"].tolist() == [0.9] * 5
    assert table.loc[table["role"] == "comparison", ["last_age", "fade"]].isna().all(axis=None)
    course = pd.read_parquet(f"faded/history/{searched['run_id'].iloc[0]}.parquet")
    assert course["age"].tolist() == [steps / 3, 2 * steps / 3, steps]
    assert "last_age" in csv[1].split()[0].split(",")
    assert {"fade = 0.9", 'name = "last_age"'} <= set(
        Path("faded/study.toml").read_text().split("\n")
    )
    assert "- `--fade`: How fast λ fades (default: 0.5)" in reference
    assert "weighted-sum | fading; without a search: smgd" in reference
    assert "    fade: float | None" in types
    assert "fade: float | None = None" in signature
    ids = dict(zip(searched["lam"], searched["run_id"], strict=True))
    known = pd.read_parquet("plain/points.parquet").query("role == 'search'")
    assert ids.keys() & set(known["lam"])  # the same λs, and yet other runs
    assert not set(ids.values()) & set(known["run_id"])
