"""The picture of the layers, asked of the figure itself."""

import pytest

from paretoprune.analysis.choice import find_knee
from paretoprune.report.plots.layers import layers
from paretoprune.report.plots.style import KNEE
from tests.support.studies import (
    COLLAPSED,
    DOMINATED,
    FAILED,
    ROWS,
    by_label,
    crosses_of,
    legend_of,
    network,
    study_of,
    texts_of,
)


@pytest.fixture
def of_layers():
    return layers([study_of([*ROWS, DOMINATED, COLLAPSED, FAILED])], "validation")


def test_each_layer_has_a_line_along_the_front(of_layers):
    left, right = of_layers.axes
    assert list(by_label(left)) == ["1.weight (10×100)", "3.weight (10×5)"]
    first, second = by_label(left).values()
    assert first.get_xdata().tolist() == second.get_xdata().tolist() == [7, 20, 80, 440, 1000]
    assert first.get_ydata().tolist() == [7, 15, 60, 400, 950]
    assert second.get_ydata().tolist() == [1, 5, 20, 40, 50]
    kept = [line.get_ydata().tolist() for line in by_label(right).values()]
    assert kept == [
        pytest.approx([0.7, 1.5, 6, 40, 95]),
        pytest.approx([2, 10, 40, 80, 100]),
    ]
    assert {axes.get_xscale() + axes.get_yscale() for axes in (left, right)} == {"loglog"}


def test_layers_are_told_apart_by_colour_and_marker(of_layers):
    for axes in of_layers.axes:
        first, second = by_label(axes).values()
        assert first.get_color() != second.get_color()
        assert first.get_marker() != second.get_marker()
    left, right = (by_label(axes) for axes in of_layers.axes)
    for name in left:
        assert left[name].get_color() == right[name].get_color()
        assert name in legend_of(of_layers)


def test_a_dead_layer_has_a_cross(of_layers):
    left, right = of_layers.axes
    assert crosses_of(left) == [[7, 1]]
    assert crosses_of(right) == [[7, 2]]
    _, second = by_label(left).values()
    assert second.get_markevery() == [1, 2, 3, 4]
    assert legend_of(of_layers)["no weight is left"].get_marker() == "x"


def test_a_layer_with_one_weight_is_not_dead():
    rows = [*ROWS[:4], network(5e-3, 0.9, 7, 1)]
    figure = layers([study_of(rows)], "validation")
    assert crosses_of(figure.axes[0]) == []
    assert "no weight is left" not in legend_of(figure)


def test_the_knee_is_a_line_with_its_value():
    snapshot = study_of(ROWS)
    knee = find_knee(snapshot)
    total = int(knee.front.loc[knee.network, "nonzeros"])
    for axes in layers([snapshot], "validation").axes:
        (line,) = [line for line in axes.lines if line.get_color() == KNEE]
        assert list(line.get_xdata()) == [total, total]
        assert [text.get_text() for text in axes.texts] == [f"knee: {total} nonzeros"]


def test_a_front_without_a_knee_has_no_line():
    snapshot = study_of(ROWS[:2])
    assert find_knee(snapshot).network is None
    for axes in layers([snapshot], "validation").axes:
        assert len(axes.lines) == 2
        assert not axes.texts


def test_with_seeds_the_network_that_is_handed_over_stands():
    rows = [*ROWS, network(1e-4, 0.025, 70, 30, seed=1)]
    figure = layers([study_of(rows)], "validation")
    first, second = by_label(figure.axes[0]).values()
    at = first.get_xdata().tolist().index(100)
    assert (first.get_ydata()[at], second.get_ydata()[at]) == (70, 30)
    assert len(first.get_xdata()) == len(ROWS)
    assert figure.get_suptitle() == (
        "with several seeds: the network of least validation loss stands for its λ"
    )


def test_one_seed_needs_no_note(of_layers):
    assert of_layers.get_suptitle() == ""


def test_a_collapsed_study_has_no_layers_to_show():
    figure = layers([study_of([COLLAPSED, FAILED])], "validation")
    assert texts_of(figure) == ["no network yet that learnt anything"]
