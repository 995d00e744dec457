"""Sizes beside nonzeros in pictures: what is drawn, what has no place, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from paretoprune.analysis.knee.axes import AXES_OF
from paretoprune.report.plots import draw_studies
from paretoprune.report.plots.front import front
from tests.support.studies import SIZED, smgd, study_of
from tests.support.tables import OLD


@pytest.fixture
def study():
    return study_of(SIZED)


@pytest.mark.parametrize(
    ("axes", "label", "knee"),
    [
        ("error,nonzeros", "nonzero prunable weights", "99.25%\nat 80 nonzeros"),
        ("error,flops", "effective FLOPs of one sample", "99.25%\nat 40,000 FLOPs"),
        ("error,neurons", "neurons and filters left", "99.25%\nat 4 neurons"),
        ("error,parameters", "parameters after compaction", "99.25%\nat 90 parameters"),
        ("error,complexity", "complexity (l1)", "99.25%\nat l1 8"),
    ],
)
def test_a_picture_shows_the_asked_size(study, axes, label, knee):
    figure = front([study], "validation", axes)
    left, right = figure.axes[:2]
    assert (right.get_xlabel(), right.get_ylabel()) == (label, "accuracy (validation)")
    assert left.get_xlabel() == "l1 of the prunable weights"
    assert [text.get_text() for text in right.texts] == [f"knee: {knee}"]
    (stairs,) = [line for line in right.lines if line.get_label() == "front"]
    drawn = study.networks[AXES_OF[axes][1]]
    assert set(stairs.get_xdata()) <= set(drawn)
    points = np.concatenate([np.asarray(cloud.get_offsets()) for cloud in right.collections])
    assert set(points[:, 0]) == set(drawn)


def test_several_studies_are_drawn_by_flops_and_say_what_has_no_place():
    partly = study_of([{**SIZED[0], **OLD}, *SIZED[1:], smgd(0.025, 200, 40, flops=77)], "partly")
    figure = front([study_of(SIZED, "whole"), partly], "validation", "error,flops")
    figure.draw_without_rendering()
    left, right = figure.axes[:2]
    assert left.get_title("left") == "not drawn of partly: 1 run without FLOPs (right)"
    labels = [text.get_text() for text in right.get_legend().get_texts()]
    assert labels[0] == "front of whole, knee 99.25% at 40,000 FLOPs"
    points = np.concatenate([np.asarray(cloud.get_offsets()) for cloud in right.collections])
    assert 77 in points[:, 0]


def test_a_knee_without_a_place_is_not_marked():
    rows = [*SIZED[:2], {**SIZED[2], **OLD}, *SIZED[3:]]
    figure = front([study_of(rows)], "validation", "error,flops")
    figure.draw_without_rendering()
    left, right = figure.axes[:2]
    assert len(left.texts) == 1
    assert not right.texts


@pytest.mark.slow
def test_plot_draws_the_axes_that_are_asked_for(paretoprune, study):
    answer = paretoprune("plot", "study", "--axes=error,flops", "-o", "flops.png")
    assert (answer.code, answer.out.strip()) == (0, "flops.png")
    draw_studies([study], Path("usual.png"))
    draw_studies([study], Path("same.png"), axes="error,nonzeros")
    usual, same, flops = (Path(f"{name}.png").read_bytes() for name in ("usual", "same", "flops"))
    assert usual == same != flops


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--axes loss,flops", "--axes loss,flops is unknown: did you mean error,flops?"),
        ("--axes flops", "Choose from error,nonzeros, error,complexity, error,parameters"),
        ("--kind layers --axes error,flops", "--axes is of --kind front: leave it out with"),
        ("--kind history --axes error,flops", "leave it out with --kind history"),
    ],
)
def test_axes_without_a_meaning_are_refused(paretoprune, study, options, sentence):
    answer = paretoprune("plot", "study", *options.split())
    assert (answer.code, answer.out) == (2, "")
    assert sentence in answer.err
    assert not list(Path().rglob("*.png"))
