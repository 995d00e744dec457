"""Knee rules: the contract of all of them, for all axes and scales that they have a meaning for."""

from dataclasses import replace

import pandas as pd
import pytest

from paretoprune.analysis.knee import RULES
from paretoprune.analysis.knee.axes import AXES_OF, USUAL
from paretoprune.analysis.pareto import pareto
from tests.support.fronts import MEASURED, SHAPES, front_at, front_of

ASKED = [  # what takes all axes is asked for a few, as names of columns do not matter (test_axes)
    (name, entry.terms(name, axes, scale, MEASURED))
    for name, entry in RULES.items()
    for axes in (USUAL if entry.axes == tuple(AXES_OF) else entry.axes)
    for scale in entry.scales or (None,)
]
NAMES = [f"{name}-{'-'.join(terms.axes)}-{terms.scale}" for name, terms in ASKED]
ALL = pytest.mark.parametrize(("name", "terms"), ASKED, ids=NAMES)
WITH_KNEES = pytest.mark.parametrize(
    ("name", "terms"),
    [asked for asked in ASKED if asked[0] != "one-se"],
    ids=[name for name in NAMES if not name.startswith("one-se")],
)

MAY_END = ("balance", "one-se")  # an end of the front is an answer of theirs


def place_of(front, verdict, terms):
    """Where the verdict lies; `None` without one."""
    if verdict.index is None:
        return None
    return tuple(front.loc[verdict.index, list(terms.axes)])


def assert_scales_are_irrelevant(rule, front, terms, of_first=(1e-3, 1, 1.9)):
    """One-se looks at the size of errors, by its definition, and at nonzeros only in their order"""
    verdict = rule(front, terms)
    first, second = terms.axes
    for factor in of_first:
        for other in (1e-3, 1, 0.21, 1e6):
            scaled = front.assign(
                **{first: front[first] * factor, second: front[second] * other},
            )
            # the constant prediction's loss is one of the first axis, and has its unit
            also = replace(terms, constant_loss=terms.constant_loss * factor)
            assert rule(scaled, also).index == verdict.index


def assert_order_and_labels_are_irrelevant(rule, front, terms):
    """The verdict is a label of the front, wherever in the table its rows stood."""
    verdict = rule(front, terms)
    shuffled = front.sample(frac=1, random_state=1).reset_index(drop=True)
    shuffled.index = shuffled.index[::-1] + 70
    again = pareto(shuffled, terms.axes)
    found = rule(again, terms)
    assert place_of(again, found, terms) == place_of(front, verdict, terms)
    assert found.reason == verdict.reason


@ALL
@pytest.mark.parametrize("shape", SHAPES)
def test_contract(name, terms, shape):
    front, rule = front_of(shape, terms.axes), RULES[name].rule
    before = front.copy(deep=True)
    verdict = rule(front, terms)
    assert verdict.reason
    if verdict.index is not None:
        assert type(verdict.index) is int
        assert verdict.index in (front.index if name in MAY_END else front.index[1:-1])
    assert rule(front, terms) == verdict
    assert_scales_are_irrelevant(rule, front, terms, *([(1,)] if name == "one-se" else []))
    assert_order_and_labels_are_irrelevant(rule, front, terms)
    pd.testing.assert_frame_equal(front, before)


@ALL
def test_one_place_of_many_runs_counts_once(name, terms):
    for shape in ("corner", "dents", "curve"):
        once = front_of(shape, terms.axes)
        twice = pareto(pd.concat([once, once, once], ignore_index=True), terms.axes)
        assert len(twice) == 3 * len(once)
        verdict, again = (RULES[name].rule(front, terms) for front in (once, twice))
        assert place_of(twice, again, terms) == place_of(once, verdict, terms)
        assert again.reason == verdict.reason


FEW = {
    "no point": [],
    "one point": [(0.1, 10)],
    "two points": [(0.1, 10), (0.4, 5)],
    "two places": [(0.1, 10), (0.1, 10), (0.4, 5), (0.4, 5)],
    "all equal": [(0.1, 10)] * 5,
}


@WITH_KNEES
@pytest.mark.parametrize("few", FEW.values(), ids=FEW.keys())
def test_fewer_than_three_places_have_no_knee_and_a_reason(name, terms, few):
    verdict = RULES[name].rule(front_at(*few, axes=terms.axes), terms)
    assert verdict.index is None
    assert "two extremes" in verdict.reason
