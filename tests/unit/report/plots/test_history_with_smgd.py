"""SMGD runs in the picture of the epochs, asked of the figure itself."""

import warnings

import numpy as np
import pytest
from matplotlib.colors import same_color

from paretoprune.report.plots.history import CONSTANT, history
from paretoprune.report.plots.method_style import COLOUR
from paretoprune.report.plots.style import GREY
from paretoprune.training.methods import METHODS
from tests.support.studies import (
    COLLAPSED,
    JOINT,
    JOINT_NAME,
    ROWS,
    SEPARATE,
    SEPARATE_NAME,
    course,
    legend_of,
    run_lines,
    smgd,
    study_of,
)

CONV = METHODS["smgd"].drawn["conv_l2_weight"]

pytestmark = pytest.mark.slow


def test_smgd_lines_have_a_colour_and_a_name_of_their_own():
    figure = history([study_of([*ROWS, *JOINT])], "validation")
    words = legend_of(figure)
    assert list(words) == ["the study's runs", JOINT_NAME, CONSTANT]
    assert same_color(words[JOINT_NAME].get_color(), COLOUR)
    for panel in run_lines(figure, JOINT[0])[:2]:
        assert len(panel) == 3
        assert all(same_color(line.get_color(), COLOUR) for line in panel)
        assert all(line.get_linestyle() == "-" for line in panel)
    orders: dict[bool, list[float]] = {True: [], False: []}
    for line in figure.axes[0].lines:
        orders[same_color(line.get_color(), COLOUR)].append(line.get_zorder())
    assert min(orders[True]) > max(orders[False]), "SMGD's lines are on top"


def test_long_lines_have_a_few_markers_and_one_at_their_end():
    row = smgd(0.03, 90, 30, epochs=300)
    lines = history([study_of([*ROWS, row])], "validation").axes[0].lines
    (line,) = [line for line in lines if same_color(line.get_color(), COLOUR)]
    start, step = line.get_markevery()
    assert len(range(start, 300, step)) == 5
    assert 299 in range(start, 300, step)


def test_only_smgd_has_a_panel_of_weights():
    without = history([study_of(ROWS, "without")], "validation")
    assert [axes.get_ylabel() for axes in without.axes[3:]] == ["λ (darkest: also λ = 0)"]
    compared = history([study_of([*ROWS, *JOINT], "compared")], "validation")
    assert [axes.get_ylabel() for axes in compared.axes[3:]] == [
        "weight of the complexity",
        "λ (darkest: also λ = 0)",
    ]
    rows = {axes.get_subplotspec().rowspan.start for axes in compared.axes[:4]}
    assert rows == {0, 1}, "the panels stand 2 x 2"


def weights_of(rows, *courses, folder="study"):
    """The picture of a study whose last runs have these histories, and its panel of weights."""
    own = [course(row) for row in rows[: len(rows) - len(courses)]]
    figure = history([study_of(rows, folder, [*own, *courses])], "validation")
    figure.draw_without_rendering()
    return figure, figure.axes[3]


def test_weights_stand_above_the_lams_of_the_weighted_sums():
    own = course(JOINT[0], complexity_weight=[1e-4, 2e-4, 4e-3])
    figure, axes = weights_of([*ROWS, COLLAPSED, JOINT[0]], own)
    *levels, line = axes.lines
    assert line.get_ydata() == pytest.approx([1e-4, 2e-4, 4e-3])
    assert line.get_xdata().tolist() == [1, 2, 3]
    assert same_color(line.get_color(), COLOUR)
    heights = {level.get_ydata()[0]: level for level in levels}
    assert sorted(heights) == [1e-5, 1e-4, 1e-3, 5e-3, 0.1], "λ = 0 has no place"
    for height, row in ((1e-4, ROWS[2]), (5e-3, ROWS[4]), (0.1, COLLAPSED)):
        ((run,),) = run_lines(figure, row)[:1]
        assert same_color(heights[height].get_color(), run.get_color())
        assert heights[height].get_zorder() < line.get_zorder()
        assert heights[height].get_linewidth() < line.get_linewidth()
    assert axes.get_yscale() == "log"
    assert axes.get_ylim()[0] < 1e-5 < 0.1 < axes.get_ylim()[1]


def test_a_lam_of_which_one_seed_collapses_keeps_its_colour():
    dead = {**ROWS[2], "seed": 1, "val_loss": 2.3, "collapsed": True}
    for name, rows in {"first": [dead, *ROWS], "last": [*ROWS, dead]}.items():
        figure, axes = weights_of([*rows, JOINT[0]], course(JOINT[0]), folder=name)
        (level,) = [line for line in axes.lines if line.get_ydata()[0] == ROWS[2]["lam"]]
        ((run,),) = run_lines(figure, ROWS[2])[:1]
        assert same_color(level.get_color(), run.get_color())


@pytest.mark.parametrize("rows", [ROWS, []])
@pytest.mark.parametrize("weights", [[1e-6, 0.0, 2e-6], [0.0] * 3, [0.1, np.inf, np.nan]])
def test_a_weight_of_zero_leaves_the_panel_at_the_bottom(rows, weights):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, axes = weights_of([*rows, JOINT[0]], course(JOINT[0], complexity_weight=weights))
    lower, upper = axes.get_ylim()
    assert 0 < lower < upper < 10
    drawn = axes.lines[-1].get_ydata()
    for weight, height in zip(weights, drawn, strict=True):
        if weight > 0:
            assert height == weight
        elif weight == 0:
            assert 0 < height < lower


def test_the_convolutions_weight_is_broken_and_named():
    row = smgd(0.03, 90, 30, split=True)
    other = {"complexity_weight": [1e-3] * 3}
    conv = {"conv_loss_weight": [0.9] * 3, "conv_l2_weight": [0.1, 0.2, 0.3]}
    histories = [course(JOINT[0], **other), course(row, **other, **conv)]
    figure, axes = weights_of([*ROWS, JOINT[0], row], *histories)
    (broken,) = [line for line in axes.lines if line.get_linestyle() == "--"]
    assert broken.get_ydata() == pytest.approx([0.1, 0.2, 0.3])
    assert same_color(broken.get_color(), COLOUR)
    assert legend_of(figure)[CONV].get_linestyle() == "--"
    assert axes.get_ylim()[1] > 0.3
    unsplit, axes = weights_of([*ROWS, JOINT[0]], course(JOINT[0], **other), folder="unsplit")
    assert CONV not in legend_of(unsplit)
    assert all(line.get_linestyle() == "-" for line in axes.lines)


def test_a_history_of_smgd_alone_names_no_other_runs():
    figure = history([study_of([*JOINT, *SEPARATE])], "validation")
    figure.draw_without_rendering()
    assert list(legend_of(figure)) == [JOINT_NAME, SEPARATE_NAME]
    assert len(figure.axes) == 4, "no bar of λ"


def test_a_collapsed_smgd_run_is_grey():
    dead = smgd(2.3, 0, 0, seed=5, collapsed=True)
    lost = smgd(2.4, 0, 0, moments="separate", collapsed=True)
    figure = history([study_of([*ROWS, dead, *JOINT, lost])], "validation")
    for row in (dead, lost):
        ((line,),) = run_lines(figure, row)[:1]
        assert same_color(line.get_color(), GREY)
    words = legend_of(figure)
    assert same_color(words[JOINT_NAME].get_color(), COLOUR), "some of its seeds live"
    assert same_color(words[SEPARATE_NAME].get_color(), GREY)
    assert "collapsed" in words
