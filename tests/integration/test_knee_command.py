"""`paretoprune knee` with rules, axes and scales, as a user meets it."""

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from paretoprune.analysis.choice import find_knee
from paretoprune.analysis.knee import DEFAULT_RULE, RULES
from paretoprune.analysis.snapshot import load_study
from paretoprune.study import storage
from paretoprune.study.plan import Budget, Measured, Plan
from paretoprune.study.settings import Settings
from tests.support.fronts import ERROR, LOSS
from tests.support.tables import table

ROWS = [
    {"val_error": 0.010, "nonzeros": 900, "val_loss": 0.05, "complexity": 90.0},
    {"val_error": 0.015, "nonzeros": 300, "val_loss": 0.04, "complexity": 60.0},
    {"val_error": 0.050, "nonzeros": 100, "val_loss": 0.20, "complexity": 8.0},
    {"val_error": 0.050, "nonzeros": 120, "val_loss": 0.18, "complexity": 35.0},
    {"val_error": 0.250, "nonzeros": 20, "val_loss": 0.90, "complexity": 5.0},
]
PLAN = Plan(
    settings=Settings(),
    budget=Budget(),
    measured=Measured(
        lam_ref=1e-3,
        constant_loss=2.3,
        prunable_weights=1000,
        validation_images=400,
        test_images=100,
        fleet_size=1,
    ),
)


@pytest.fixture
def study():
    """A small study: networks 1, 2, 3, 4 are a front of losses, 0, 1, 2, 4 one of errors."""
    folder = Path("study")
    folder.mkdir()
    storage.write_plan(folder, PLAN)
    rows = table({"lam": (1 + i) / 100, **row} for i, row in enumerate(ROWS))
    pq.write_table(pa.Table.from_pandas(rows, storage.SCHEMA), folder / storage.TABLE)
    return folder


def asked(paretoprune, study, *options):
    """The answer as a document; `network` is its number in `ROWS`."""
    document = json.loads(paretoprune("knee", study, "--json", *options).out)
    for name in ("network", "denser", "sparser"):
        if document[name] is not None:
            document[name] = round(document[name]["lam"] * 100) - 1
    return document


def test_balance_on_loss_and_nonzeros_is_the_default(paretoprune, study):
    answer = asked(paretoprune, study)
    assert answer == asked(paretoprune, study, "--rule=balance", "--axes=loss,nonzeros", "--log")
    assert (answer["axes"], answer["scale"]) == (["val_loss", "nonzeros"], "log")
    assert answer["network"] is not None
    assert "on loss and nonzeros, log axes" in paretoprune("knee", study).out


def test_loss_and_complexity_in_logarithms_are_the_default_of_other_rules(paretoprune, study):
    answer = asked(paretoprune, study, "--rule=chord")
    assert answer == asked(paretoprune, study, "--rule=chord", "--axes=loss,complexity", "--log")
    assert (answer["axes"], answer["scale"]) == (list(LOSS), "log")
    assert [answer[name] for name in ("denser", "network", "sparser")] == [3, 2, 4]


def test_other_axes_are_another_front(paretoprune, study):
    chord = ("--rule=chord", "--axes=error,nonzeros", "--linear")
    answer = asked(paretoprune, study, *chord)
    assert (answer["axes"], answer["scale"]) == (list(ERROR), "linear")
    assert [answer[name] for name in ("denser", "network", "sparser")] == [1, 2, 4]
    shown = paretoprune("knee", study, *chord).out
    assert "on error and nonzeros, linear axes" in shown


def test_the_scale_decides(paretoprune, study):
    """Sums of both axes in the box: 0.84 and 0.92 in the logarithms, 0.34 and 0.26 in values."""
    options = ("--axes=error,nonzeros", "--rule=chord")
    assert asked(paretoprune, study, *options, "--log")["network"] == 1
    assert asked(paretoprune, study, *options, "--linear")["network"] == 2


def test_one_se_says_its_numbers(paretoprune, study):
    """sqrt(0.01 * 0.99 / 400) = 0.497 %: 1.5 % is a little too far."""
    answer = asked(paretoprune, study, "--rule=one-se")
    assert (answer["network"], answer["denser"], answer["sparser"]) == (0, None, 1)
    assert (answer["axes"], answer["scale"]) == (list(ERROR), None)
    assert "1.000% ± 0.497%, n = 400 validation images" in answer["reason"]
    shown = " ".join(paretoprune("knee", study, "--rule=one-se").out.split())
    assert "1.000% ± 0.497%" in shown
    assert "on error and nonzeros next denser" in shown  # and no scale


def test_no_knee_is_said_with_rule_axes_and_scale(paretoprune, study):
    rows = pq.read_table(study / storage.TABLE)
    pq.write_table(rows.slice(0, 2), study / storage.TABLE)
    answer = paretoprune("knee", study, "--rule=angle", "--linear")
    assert answer.code == 0
    assert answer.out.startswith("no knee: ")
    assert "(angle on loss and complexity, linear axes)" in answer.out
    document = asked(paretoprune, study, "--rule=angle", "--linear")
    assert (document["network"], document["scale"]) == (None, "linear")


def test_a_wish_names_the_axes_of_its_front(paretoprune, study):
    answer = asked(paretoprune, study, "--at-most=loss=0.5")
    assert (answer["axes"], answer["scale"]) == (["val_loss", "nonzeros"], None)


def test_every_rule_answers_in_words_and_as_json(paretoprune, study):
    for name in RULES:
        assert paretoprune("knee", study, f"--rule={name}").code == 0
        assert asked(paretoprune, study, f"--rule={name}")["rule"] == name


def test_the_default_rule_on_its_default_axes_is_what_a_library_call_finds(paretoprune, study):
    choice = find_knee(load_study(study))
    axes = ("val_loss", "nonzeros")
    assert (choice.rule, choice.axes, choice.scale) == (DEFAULT_RULE, axes, "log")
    assert choice.network == asked(paretoprune, study)["network"]
    pd.testing.assert_frame_equal(choice.front, load_study(study).front_on(axes))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            "--rule weight-interval --axes error,nonzeros",
            "--rule weight-interval works on --axes loss,complexity only: its weights are those",
        ),
        ("--rule weight-interval --log", "--rule weight-interval works with --linear only"),
        (
            "--rule one-se --axes loss,complexity",
            "works on --axes error,nonzeros, error,complexity",
        ),
        ("--rule one-se --log", "leave the scale out"),
        ("--rule one-se --linear", "leave the scale out"),
        ("--axes complexity,loss", "--axes complexity,loss is unknown: did you mean loss,comp"),
        ("--axes error,nonzero", "did you mean error,nonzeros?"),
        ("--at-least accuracy=0.9 --axes error,nonzeros", "leave them out with --at-least"),
        ("--at-most nonzeros=900 --log", "leave them out with --at-least and --at-most"),
        ("--at-most nonzeros=900 --linear", "leave them out with --at-least and --at-most"),
    ],
)
def test_what_has_no_meaning_is_refused_with_what_to_change(paretoprune, study, options, sentence):
    answer = paretoprune("knee", study, *options.split())
    assert answer.code == 2
    assert sentence in " ".join(answer.err.split())
    assert answer.out == ""
