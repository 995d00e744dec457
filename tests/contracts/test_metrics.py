"""The metric of a study (accuracy, R², skill) in print, in pictures and in comparisons."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from paretoprune.analysis.choice import find_knee
from paretoprune.analysis.comparison.compare import compare
from paretoprune.analysis.indicators import hypervolume_of
from paretoprune.analysis.knee import RULES
from paretoprune.analysis.snapshot import load_study
from paretoprune.errors import UsageError
from paretoprune.report.plots import draw_studies
from paretoprune.report.plots.front import front
from paretoprune.report.plots.history import history
from paretoprune.report.terminal.compare import sentences
from paretoprune.report.terminal.sweep import sweep_results
from paretoprune.study import storage
from tests.support.comparisons import SEARCHED, SEEDS
from tests.support.studies import JOINT, PLAN, ROWS, study_of
from tests.support.tables import table

BY_QUALITY = {"R²": "mse", "skill": "losses:hinge"}


def study_with(quality, rows=ROWS, folder="study", **settings):
    """A study of that quality, with a loss that has it."""
    snapshot = study_of(rows, folder, courses=None if rows is ROWS else [None] * len(rows))
    plan = replace(
        PLAN,
        settings=replace(PLAN.settings, loss=BY_QUALITY.get(quality, "cross-entropy"), **settings),
        measured=replace(PLAN.measured, quality=quality),
    )
    storage.write_plan(snapshot.folder, plan)
    return load_study(snapshot.folder)


@pytest.mark.parametrize("quality", BY_QUALITY)
def test_tables_say_the_quality(paretoprune, quality):
    study_with(quality)
    for answer in (paretoprune("show", "study"), paretoprune("knee", "study")):
        assert answer.code == 0
        assert f"val. {quality} test {quality}" in " ".join(answer.out.split())
        assert "acc" not in answer.out
    assert "0.9925" in answer.out
    assert f"next sparser: -60 nonzeros (-75%), loss +0.1700, {quality} -0.0425 (" in answer.out
    assert "99.25%" not in answer.out


@pytest.mark.parametrize("quality", [*BY_QUALITY, "accuracy"])
@pytest.mark.slow
def test_a_sweep_and_a_comparison_say_the_quality(paretoprune, quality):
    snapshot = study_with(quality, [*SEARCHED, *SEEDS])
    said = [part for part in sweep_results(snapshot) if isinstance(part, str)]
    assert f"({quality} and nonzeros, validation data)" in said[0]
    (line,) = sentences(compare([snapshot]))
    assert line.endswith(f"in {quality} and nonzeros")
    text = " ".join(paretoprune("compare", "study").out.split())
    assert f"{quality} and nonzeros: dominated (3 of 3 seeds): at its size the front has" in text
    if quality == "accuracy":
        assert "98.25 ± 0.50 % at 300 ± 100 nonzeros" in line
        return
    assert f"{quality} 0.9825 ± 0.0050 at 300 ± 100 nonzeros" in line
    assert f"the front has 0.0100 ± 0.0050 more {quality}; at its {quality} the front has" in text
    assert f"val. {quality} test {quality}" in text
    assert "acc" not in text
    assert json.loads(paretoprune("compare", "study", "--json").out)["quality"] == quality


@pytest.mark.parametrize(
    ("quality", "loss", "at_loss"),
    [
        ("accuracy", "cross-entropy (nats, validation)", "0.03 nats\nat l1 8"),
        ("R²", "mean squared error (validation)", "mse 0.03\nat l1 8"),
        ("skill", "loss (validation)", "loss 0.03\nat l1 8"),
    ],
)
def test_pictures_say_quality_and_loss(quality, loss, at_loss):
    snapshot = study_with(quality)
    left, right = front([snapshot], "validation").axes[:2]
    assert (left.get_ylabel(), right.get_ylabel()) == (loss, f"{quality} (validation)")
    assert left.texts[0].get_text() == f"knee: {at_loss}"
    value = "99.25%" if quality == "accuracy" else f"{quality} 0.9925"
    assert right.texts[0].get_text() == f"knee: {value}\nat 80 nonzeros"
    epochs = history([snapshot], "validation")
    labels = [axes.get_ylabel() for axes in epochs.axes[:2]]
    assert labels == [loss, f"{quality} (validation)"]
    for axes in (right, epochs.axes[1]):
        axes.figure.draw_without_rendering()
        ticks = [label.get_text() for label in axes.get_yticklabels()]
        assert ("99 %" in ticks, "0.99" in ticks) == (quality == "accuracy", quality != "accuracy")


@pytest.mark.parametrize(
    ("kind", "label", "right"),
    [
        ("l1", "l1 of the prunable weights", "complexity (l1)"),
        (
            "l1-flops",
            "l1 of the prunable weights, weighted by FLOPs",
            "complexity (l1-flops)",
        ),
        ("group-l1", "group l1 of the prunable weights", "complexity (group-l1)"),
    ],
)
def test_pictures_name_the_complexity(kind, label, right):
    figure = front([study_with("accuracy", complexity=kind)], "validation", "error,complexity")
    assert [axes.get_xlabel() for axes in figure.axes[:2]] == [label, right]
    assert figure.axes[0].texts[0].get_text() == f"knee: 0.03 nats\nat {kind} 8"


def test_studies_of_several_losses_have_a_label_that_fits_all():
    one, other = study_with("skill"), study_with("skill", folder="other", complexity="l1-flops")
    plan = replace(other.plan, settings=replace(other.plan.settings, loss="losses:other"))
    figure = front([one, replace(other, plan=plan)], "validation", "error,complexity")
    left, right = figure.axes[:2]
    assert (left.get_xlabel(), left.get_ylabel()) == (
        "complexity",
        "loss (validation)",
    )
    assert right.get_xlabel() == "complexity"


def test_studies_of_several_qualities_cannot_be_compared(paretoprune):
    study_with("R²", [*SEARCHED, *SEEDS])
    study_with("accuracy", [*SEARCHED, *SEEDS], "other")
    for command in ("compare", "plot"):
        answer = paretoprune(command, "other", "study", "-o", "x.png")
        assert (answer.code, answer.out) == (2, "")
        assert "other and study cannot be compared: quality is accuracy in one and R²" in answer.err
    assert not Path("x.png").exists()


def test_studies_of_several_losses_are_different_problems():
    one, other = (study_with("skill", SEARCHED, folder) for folder in ("one", "other"))
    plan = replace(other.plan, settings=replace(other.plan.settings, loss="losses:other"))
    with pytest.raises(UsageError, match="--loss is losses:hinge and losses:other"):
        compare([one, replace(other, plan=plan)])


@pytest.mark.parametrize(
    ("quality", "constraint"), [("accuracy", "accuracy"), ("R²", "r2"), ("skill", "skill")]
)
def test_a_wish_for_a_quality_is_fulfilled_where_it_is_measured(paretoprune, quality, constraint):
    study_with(quality)
    document = json.loads(
        paretoprune("knee", "study", f"--at-least={constraint}=0.95", "--json").out
    )
    assert document["network"]["lam"] == 1e-3
    for other in {"accuracy", "r2", "skill"} - {constraint}:
        answer = paretoprune("knee", "study", f"--at-least={other}=0.95")
        assert (answer.code, answer.out) == (2, "")
        sentence = f"--at-least {other}=0.95 asks for what this study does not measure: its quality"
        assert sentence in answer.err
        assert f"is {quality}, so write {constraint}=0.95" in answer.err


def test_hypervolume_of_r2_begins_at_the_constant_prediction():
    """Two of three decades of the error, one of three of the weights."""
    row = {"val_error": 0.01, "nonzeros": 100, "prunable_weights": 1000}
    assert hypervolume_of(table([row]), samples=5, metric="R²") == pytest.approx(2 / 3 * 1 / 3)
    (front_,) = compare([study_with("R²", [*SEARCHED, *SEEDS])]).fronts
    snapshot = load_study(Path("study"))
    assert front_.hypervolume == hypervolume_of(snapshot.networks, 1000, "R²")
    assert front_.hypervolume == front_.course[-1].hypervolume
    assert front_.hypervolume > hypervolume_of(snapshot.networks, 1000)


def test_terms_know_the_quality_of_a_study():
    snapshot = study_with("R²")
    asked = RULES["one-se"].spec("one-se", None, None, snapshot.plan.measured)
    assert asked.metric == "R²"
    assert "validation samples" in find_knee(snapshot, "one-se").reason


@pytest.mark.parametrize("axes", ["error,nonzeros", "error,flops"])
def test_a_perfect_fit_has_a_place_on_the_logarithmic_axis(axes):
    rows = [{**ROWS[0], "val_error": 0.0, "val_loss": 0.0}, *ROWS[1:]]
    figure = front([study_with("R²", rows)], "validation", axes)
    figure.draw_without_rendering()
    clouds = [np.asarray(cloud.get_offsets()) for cloud in figure.axes[1].collections]
    assert np.concatenate(clouds)[:, 1].min() == pytest.approx(0.022 / 4 / 10)


@pytest.mark.parametrize("kind", ["front", "history"])
@pytest.mark.slow
def test_a_study_of_squares_is_drawn_with_smgd(kind):
    draw_studies([study_with("R²", [*ROWS, *JOINT])], Path("x.svg"), kind=kind)
    assert Path("x.svg").read_bytes().startswith(b"<?xml")
