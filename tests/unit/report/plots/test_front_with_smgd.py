"""SMGD runs beside a front, and what they share with its other picture, asked of the figures."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import same_color
from matplotlib.text import Text

from paretoprune.report.plots.front import front
from paretoprune.report.plots.history import history
from paretoprune.report.plots.method_style import COLOUR
from paretoprune.report.plots.style import KNEE, STYLE, WIDTH
from tests.support.studies import (
    COLLAPSED,
    FAILED,
    JOINT,
    JOINT_NAME,
    ROWS,
    SEPARATE,
    SEPARATE_NAME,
    legend_of,
    smgd,
    study_of,
    texts_of,
)

pytestmark = pytest.mark.slow


LONG = [
    smgd(0.02 + n / 50, 100 + n, 20, moments=moments, normalize=normalize, split=split, epochs=1000)
    for n, (moments, normalize, split) in enumerate(
        (moments, normalize, split)
        for moments in ("joint", "separate")
        for normalize in ("none", "l2", "loss")
        for split in (False, True)
    )
]


def has_colour(colours, colour):
    """Whether the colours of a cloud are this one."""
    return len(colours) == 1 and same_color(colours, [colour])


def clouds(axes):
    """The clouds of SMGD's points, in the order of the variants."""
    return [
        cloud
        for cloud in axes.collections
        if isinstance(cloud, PathCollection) and has_colour(cloud.get_facecolor(), COLOUR)
    ]


def places(axes):
    """Where the points of each variant are."""
    return [np.asarray(cloud.get_offsets()).tolist() for cloud in clouds(axes)]


def shape(cloud):
    return cloud.get_paths()[0].vertices.tolist()


def test_each_living_seed_of_smgd_is_a_point_in_both_panels():
    left, right = front([study_of([*ROWS, *JOINT])], "validation").axes[:2]
    assert places(left) == [[[24.0, 0.025], [25.0, 0.025], [26.0, 0.025]]]
    assert places(right) == [[[240.0, 0.00625], [250.0, 0.00625], [260.0, 0.00625]]]


def test_a_variant_has_a_marker_and_a_name():
    figure = front([study_of([*ROWS, *SEPARATE, *JOINT])], "validation")
    for axes in figure.axes[:2]:
        assert [len(points) for points in places(axes)] == [3, 2]
        one, other = (shape(cloud) for cloud in clouds(axes))
        assert one != other
    handles = legend_of(figure)
    assert list(handles) == [JOINT_NAME, SEPARATE_NAME]
    for handle, cloud in zip(handles.values(), clouds(figure.axes[0]), strict=True):
        assert shape(handle) == shape(cloud)
        assert has_colour(handle.get_facecolor(), COLOUR)
    own = [text.get_text() for axes in figure.axes[:2] for text in axes.get_legend().get_texts()]
    assert own == ["convex hull", "front"]


def test_smgd_lies_above_the_front_and_below_the_knees_ring():
    figure = front([study_of([*ROWS, *JOINT])], "validation")
    for axes in figure.axes[:2]:
        (ring,) = [c for c in axes.collections if has_colour(c.get_edgecolor(), KNEE)]
        (smgd_order,) = [cloud.get_zorder() for cloud in clouds(axes)]
        others = [c.get_zorder() for c in axes.collections if c not in (ring, *clouds(axes))]
        assert max(others) < smgd_order < ring.get_zorder()


def drawn_of_the_front(figure):
    """Lines, points and words of a front; the words' places are free."""
    panels = figure.axes[:2]
    return (
        [line.get_xydata().tolist() for axes in panels for line in axes.lines],
        [
            (np.asarray(c.get_offsets()).tolist(), c.get_facecolor().tolist())
            for axes in panels
            for c in axes.collections
            if c not in clouds(axes)
        ],
        [text.get_text() for axes in panels for text in axes.texts],
        figure.axes[2].get_ylim(),
    )


def test_smgd_changes_neither_the_front_nor_the_knee_nor_the_colours():
    """Even a run that dominates all others is compared with, never chosen."""
    alone = front([study_of(ROWS, "alone")], "validation")
    best = smgd(0.001, 1, 1, seed=9)
    compared = front([study_of([*ROWS, best, *JOINT], "compared")], "validation")
    assert len(clouds(compared.axes[0])) == 1
    for figure in (alone, compared):
        figure.draw_without_rendering()
    assert drawn_of_the_front(compared) == drawn_of_the_front(alone)


def test_dead_smgd_runs_are_counted_in_the_margin():
    dead = [
        smgd(2.3, 0, 0, seed=7, collapsed=True),
        *({**smgd(1.0, 5, 5, seed=seed), "status": "failed"} for seed in (8, 9)),
    ]
    figure = front([study_of([*ROWS, COLLAPSED, FAILED, *JOINT, *dead])], "validation")
    assert figure.axes[0].get_title("left") == (
        "not drawn: 1 collapsed, 1 failed, 1 SMGD run collapsed, 2 SMGD runs failed"
    )
    assert [len(points) for points in places(figure.axes[0])] == [3]


def test_a_study_of_smgd_alone_has_points_and_no_front():
    figure = front([study_of([*JOINT, *SEPARATE])], "validation")
    figure.draw_without_rendering()
    left, right = figure.axes  # and no bar of λ
    assert [len(points) for points in places(left)] == [3, 2] == [*map(len, places(right))]
    assert not left.lines
    assert not right.lines
    assert (left.get_xscale(), left.get_yscale()) == ("log", "log")
    assert list(legend_of(figure)) == [JOINT_NAME, SEPARATE_NAME]


def test_a_study_of_dead_smgd_runs_says_so():
    figure = front([study_of([smgd(2.3, 0, 0, collapsed=True)])], "validation")
    assert "no network" in texts_of(figure)[0]
    assert not figure.axes


def test_values_of_smgd_are_those_of_the_split():
    snapshot = study_of([*ROWS, smgd(0.025, 200, 40, test_loss=0.5, test_error=0.25)])
    left, right = front([snapshot], "test").axes[:2]
    assert places(left) == [[[24.0, 0.5]]]
    assert places(right) == [[[240.0, 0.25]]]


def test_a_perfect_smgd_run_has_a_place_on_the_logarithmic_axis():
    snapshot = study_of([*ROWS, smgd(0.025, 200, 40, val_error=0.0)])
    assert places(front([snapshot], "validation").axes[1]) == [[[240.0, 1 / 2000]]]


def test_studies_name_their_own_variants():
    snapshots = [study_of([*ROWS, *JOINT], "one"), study_of([*ROWS, *JOINT], "another")]
    figure = front(snapshots, "validation")
    assert list(legend_of(figure)) == [f"one: {JOINT_NAME}", f"another: {JOINT_NAME}"]
    one, another = (shape(cloud) for cloud in clouds(figure.axes[0]))
    assert one != another


def test_the_knees_note_hides_no_point():
    """Runs all around the note's own places, above right of the knee and below it."""
    steps = range(1, 8)
    around = [
        smgd(0.03 * 1.1**n, 30 + 20 * n, 40 + m, seed=10 * n + m) for n in steps for m in steps
    ]
    with mpl.rc_context(STYLE):
        figure = front([study_of([*ROWS, *around])], "validation")
        figure.draw_without_rendering()
    for axes in figure.axes[:2]:
        (note,) = axes.texts
        box = Text.get_window_extent(note)
        points = [axes.transData.transform(c.get_offsets()) for c in axes.collections]
        assert box.count_contains(np.concatenate(points)) == 0
        assert all(axes.bbox.contains(*corner) for corner in box.get_points())


@pytest.mark.parametrize("kind", [front, history])
@pytest.mark.parametrize("rows", [ROWS, []])
@pytest.mark.slow
def test_many_variants_stay_within_the_page(kind, rows):
    with mpl.rc_context(STYLE):
        figure = kind([study_of([*rows, *LONG])], "validation")
        figure.draw_without_rendering()
    assert len(legend_of(figure)) >= len(LONG)
    box = figure.get_tightbbox()  # in inches
    assert figure.get_figwidth() == WIDTH
    assert min(box.x0, box.y0) >= 0
    assert box.x1 <= WIDTH
    assert box.y1 <= figure.get_figheight()
    (legend,) = figure.legends
    lowest = min(axes.get_tightbbox().y0 for axes in figure.axes)
    assert legend.get_window_extent().y1 <= lowest, "no legend covers a panel"


def test_a_variant_has_the_same_marker_in_the_front_and_on_its_lines():
    dead = smgd(2.3, 0, 0, normalize="l2", collapsed=True)  # has a marker that the front lacks
    snapshot = study_of([*ROWS, *SEPARATE, *JOINT, dead])
    words = legend_of(history([snapshot], "validation"))
    points = clouds(front([snapshot], "validation").axes[0])
    for name, cloud in zip((JOINT_NAME, SEPARATE_NAME), points, strict=True):
        marker = mpl.markers.MarkerStyle(words[name].get_marker())
        drawn = marker.get_path().transformed(marker.get_transform())
        assert drawn.vertices.tolist() == shape(cloud)
    assert words[JOINT_NAME].get_marker() != words[SEPARATE_NAME].get_marker()


def test_another_comparison_is_drawn_under_its_own_name():
    row = {**ROWS[2], "role": "comparison", "seed": 1, "val_loss": 0.7}
    snapshot = study_of([*ROWS, row])
    figure = front([snapshot], "validation")
    assert len(clouds(figure.axes[0])) == 1
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "weighted sum adam, joint moments, 3 epochs"
    ]
