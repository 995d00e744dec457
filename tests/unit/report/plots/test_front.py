"""What a picture shows, asked of the figure itself."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.collections import PathCollection

from paretoprune.analysis.aggregate import over_seeds
from paretoprune.analysis.pareto import pareto
from paretoprune.report.plots.front import Drawing, draw
from paretoprune.report.plots.style import KNEE
from tests.support.tables import table

ROWS = [
    {"lam": 0.0, "val_loss": 0.020, "val_error": 0.010, "complexity": 1000.0, "nonzeros": 9000},
    {"lam": 1e-5, "val_loss": 0.018, "val_error": 0.011, "complexity": 500.0, "nonzeros": 3000},
    {"lam": 1e-4, "val_loss": 0.030, "val_error": 0.014, "complexity": 60.0, "nonzeros": 500},
    {"lam": 1e-3, "val_loss": 0.200, "val_error": 0.080, "complexity": 20.0, "nonzeros": 200},
    {"lam": 1e-2, "val_loss": 2.300, "val_error": 0.900, "collapsed": True},
    {"lam": 2e-2, "status": "failed"},
]


@pytest.fixture
def figure():
    points = table([{"complexity": 0.0, "nonzeros": 0, **row} for row in ROWS])
    knee = over_seeds(points).query("lam == 1e-4").index[0]
    with mpl.rc_context():
        return draw([Drawing("", points, samples=1000, knee=knee)])


def clouds(axes):
    """Offsets of each cloud of points, the knee's ring left out."""
    return [
        np.asarray(cloud.get_offsets())
        for cloud in axes.collections
        if isinstance(cloud, PathCollection) and cloud.get_sizes()[0] < 50
    ]


def test_dominated_points_are_grey_and_the_rest_coloured(figure):
    grey, coloured = clouds(figure.axes[0])
    assert grey.tolist() == [[1000.0, 0.020]]
    assert sorted(coloured[:, 0].tolist()) == [20.0, 60.0, 500.0]


def test_collapsed_and_failed_runs_stand_in_the_margin(figure):
    assert figure.axes[0].get_title("left") == "not drawn: 1 collapsed, 1 failed"


def test_the_hull_is_straight_on_linear_axes(figure):
    (hull,) = [line for line in figure.axes[0].lines if line.get_label() == "convex hull"]
    at_60 = np.interp(60, *hull.get_data())
    assert at_60 == pytest.approx(0.030)
    at_280 = np.interp(280, *hull.get_data())
    assert at_280 == pytest.approx((0.030 + 0.018) / 2, rel=1e-3)


def test_the_staircase_is_the_front_of_accuracy_and_nonzeros(figure):
    (stairs,) = [line for line in figure.axes[1].lines if line.get_label() == "front"]
    assert stairs.get_xdata().tolist() == [200, 500, 3000, 9000]
    assert stairs.get_drawstyle() == "steps-post"


def test_accuracy_grows_upwards_in_percent(figure):
    right = figure.axes[1]
    assert right.yaxis_inverted()
    figure.canvas.draw()
    assert "99 %" in [label.get_text() for label in right.get_yticklabels()]


def test_the_knee_is_marked_with_its_values(figure):
    texts = [text for axes in figure.axes for text in axes.texts]
    assert [text.get_text() for text in texts] == [
        "knee: 0.03 nats\nat l1 60",
        "knee: 98.60%\nat 500 nonzeros",
    ]
    assert all(text.get_color() == KNEE for text in texts)


def test_the_split_is_on_every_axis(figure):
    assert "validation" in figure.axes[0].get_ylabel()
    assert "validation" in figure.axes[1].get_ylabel()


def test_seeds_are_drawn_as_their_mean_with_bars():
    rows = [{**row, "seed": seed} for row in ROWS[:3] for seed in (0, 1)]
    for row in rows[::2]:
        row["val_loss"] *= 1.2
    points = table(rows)
    figure = draw([Drawing("", points, samples=1000, knee=None)])
    drawn = np.concatenate(clouds(figure.axes[0]))
    assert sorted(drawn[:, 1]) == pytest.approx([0.0198, 0.022, 0.033])
    assert len(figure.axes[0].containers) == 1


def test_several_studies_are_told_apart():
    points = table(ROWS[:4])
    knee = over_seeds(points).query("lam == 1e-4").index[0]
    empty = table(ROWS[4:])
    drawings = [
        Drawing("old", points, samples=1000, knee=None),
        Drawing("new", points, samples=1000, knee=knee),
        Drawing("dead", empty, samples=1000, knee=None),
    ]
    figure = draw(drawings)
    labels = [text.get_text() for text in figure.axes[1].get_legend().get_texts()]
    assert labels == ["front of old", "front of new, knee 98.60% at 500 nonzeros"]
    assert not figure.axes[1].texts
    assert "of dead: 1 collapsed, 1 failed" in figure.axes[0].get_title("left")
    first, second = [line for line in figure.axes[1].lines if line.get_label() in labels]
    assert first.get_linestyle() != second.get_linestyle()


def test_a_short_axis_has_three_numbers_too():
    """All losses begin with 1: one digit would label one tick."""
    losses = (1.52, 1.61, 1.80, 1.99)
    points = table([{**row, "val_loss": x} for row, x in zip(ROWS, losses, strict=False)])
    axes = draw([Drawing("", points, samples=1000, knee=None)]).axes[0]
    lower, upper = axes.get_ylim()
    labels = [f"{tick:g}" for tick in axes.get_yticks() if lower <= tick <= upper]
    assert labels == ["1.6", "1.7", "1.9"]


def test_a_perfect_network_has_a_place_on_the_logarithmic_axis():
    points = table([*ROWS[:3], {**ROWS[3], "val_error": 0.0, "nonzeros": 100}])
    figure = draw([Drawing("", points, samples=1000, knee=None)])
    drawn = np.concatenate(clouds(figure.axes[1]))
    assert drawn[:, 1].min() == pytest.approx(1 / 2000)


def test_a_study_in_which_nothing_lives_can_be_drawn():
    points = table(ROWS[4:])
    assert pareto(over_seeds(points).head(0)).empty
    figure = draw([Drawing("", points, samples=1000, knee=None)])
    assert "no network" in figure.texts[0].get_text()
