"""Knee rules: the contract of all of them, for all axes and scales that they have a meaning for."""

from dataclasses import replace
from itertools import product

import pandas as pd
import pytest

from paretoprune.analysis.knee import RULES
from paretoprune.analysis.knee.axes import AXES_OF, USUAL
from paretoprune.analysis.pareto import pareto
from tests.support.fronts import MEASURED, SHAPES, front_at, front_of

ASKED = [  # what takes all axes is asked for a few, as names of columns do not matter (test_axes)
    (name, entry.spec(name, axes, scale, MEASURED))
    for name, entry in RULES.items()
    for axes in (USUAL if entry.axes == tuple(AXES_OF) else entry.axes)
    for scale in entry.scales or (None,)
]
NAMES = [f"{name}-{'-'.join(spec.axes)}-{spec.scale}" for name, spec in ASKED]
ALL = pytest.mark.parametrize(("name", "spec"), ASKED, ids=NAMES)
WITH_KNEES = pytest.mark.parametrize(
    ("name", "spec"),
    [asked for asked in ASKED if asked[0] != "one-se"],
    ids=[name for name in NAMES if not name.startswith("one-se")],
)

MAY_END = ("balance", "one-se")  # an end of the front is an answer of theirs


def place_of(front, result, spec):
    """Where the verdict lies; `None` without one."""
    if result.index is None:
        return None
    return tuple(front.loc[result.index, list(spec.axes)])


# Factors of the first axis and of the second; without any the answer is asked for anyway.
SCALES = [pair for pair in product((1e-3, 1, 1.9), (1e-3, 1, 0.21, 1e6)) if pair != (1, 1)]
SCALES_OF_SIZES = [(1, other) for other in (1e-3, 0.21, 1e6)]


def assert_scales_are_irrelevant(rule, front, spec, result, scales=SCALES):
    """One-se looks at the size of errors, by its definition, and at nonzeros only in their order"""
    first, second = spec.axes
    for factor, other in scales:
        scaled = front.assign(
            **{first: front[first] * factor, second: front[second] * other},
        )
        # the constant prediction's loss is one of the first axis, and has its unit
        also = replace(spec, constant_loss=spec.constant_loss * factor)
        assert rule(scaled, also).index == result.index


def assert_order_and_labels_are_irrelevant(rule, front, spec, result):
    """The verdict is a label of the front, wherever in the table its rows stood."""
    shuffled = front.sample(frac=1, random_state=1).reset_index(drop=True)
    shuffled.index = shuffled.index[::-1] + 70
    again = pareto(shuffled, spec.axes)
    found = rule(again, spec)
    assert place_of(again, found, spec) == place_of(front, result, spec)
    assert found.reason == result.reason


@ALL
@pytest.mark.parametrize("shape", SHAPES)
def test_contract(name, spec, shape):
    front, rule = front_of(shape, spec.axes), RULES[name].rule
    before = front.copy(deep=True)
    result = rule(front, spec)
    assert result.reason
    if result.index is not None:
        assert type(result.index) is int
        assert result.index in (front.index if name in MAY_END else front.index[1:-1])
    assert rule(front, spec) == result
    scales = SCALES_OF_SIZES if name == "one-se" else SCALES
    assert_scales_are_irrelevant(rule, front, spec, result, scales)
    assert_order_and_labels_are_irrelevant(rule, front, spec, result)
    pd.testing.assert_frame_equal(front, before)


@ALL
def test_one_place_of_many_runs_counts_once(name, spec):
    for shape in ("corner", "dents", "curve"):
        once = front_of(shape, spec.axes)
        twice = pareto(pd.concat([once, once, once], ignore_index=True), spec.axes)
        assert len(twice) == 3 * len(once)
        result, again = (RULES[name].rule(front, spec) for front in (once, twice))
        assert place_of(twice, again, spec) == place_of(once, result, spec)
        assert again.reason == result.reason


FEW = {
    "no point": [],
    "one point": [(0.1, 10)],
    "two points": [(0.1, 10), (0.4, 5)],
    "two places": [(0.1, 10), (0.1, 10), (0.4, 5), (0.4, 5)],
    "all equal": [(0.1, 10)] * 5,
}


@WITH_KNEES
@pytest.mark.parametrize("few", FEW.values(), ids=FEW.keys())
def test_fewer_than_three_places_have_no_knee_and_a_reason(name, spec, few):
    result = RULES[name].rule(front_at(*few, axes=spec.axes), spec)
    assert result.index is None
    assert "two extremes" in result.reason
