"""Knee rules: the contract of all of them, for all axes and scales that they have a meaning for."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from paretoprune.analysis.knee import RULES, Terms
from paretoprune.analysis.knee.axes import AXES_OF, USUAL, places
from paretoprune.analysis.pareto import pareto
from paretoprune.errors import UsageError
from paretoprune.study.settings import Measured
from tests.tables import PRUNABLE, table

LOSS, _, ERROR, *_ = AXES_OF.values()
MEASURED = Measured(  # so many images that no error is too small, and no loss too large
    lam_ref=1e-3,
    constant_loss=1e3,
    prunable_weights=PRUNABLE,
    validation_images=10**9,
    test_images=1,
)
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


def front_at(*places, axes=LOSS):
    """The front of networks at these places, which are in `axes`."""
    first, second = axes
    rows = (
        {"lam": i / 100, "val_loss": 1.0, first: float(x), second: float(y)}
        for i, (x, y) in enumerate(places)
    )
    return pareto(table(rows), axes)


MAY_END = ("balance", "one-se")  # an end of the front is an answer of theirs
SHAPES = {
    "curve": [(0.01 * 2**i, 1000 / (1 + i) ** 3) for i in range(8)],
    "corner": [(0.1, 1000), (0.2, 10), (2, 5)],
    "dents": [(0.1, 1000), (0.2, 900), (0.3, 20), (0.5, 15), (0.51, 14), (2, 1)],
    "line": [(1 + i, 9 - i) for i in range(8)],
    "line in logs": [(0.1, 1000), (1, 100), (10, 10), (100, 1)],
    "mirror": [(1, 100), (2, 30), (10, 10), (30, 2), (100, 1)],
    "even in logs": [(2**i, 1000 / 3**i) for i in range(9)],
}


def front_of(shape, axes):
    """The shape with errors below one half, and so many nonzeros that none counts as one."""
    factors = (1, 1) if axes == LOSS else (0.004, 1e6)
    return front_at(*(np.array(SHAPES[shape]) * factors), axes=axes)


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


def test_places_that_a_floor_makes_equal_are_one():
    """Of 100 images 0, 0.001 and 0.005 are the same error; 0 nonzeros count as 1."""
    front = front_at((0, 90), (0.001, 50), (0.005, 40), (0.1, 4), (0.2, 0), axes=ERROR)
    labels, unit = places(front, Terms(ERROR, is_log=True, samples=100))
    assert list(labels) == [2, 3, 4]
    logs = np.log10([[0.005, 40], [0.1, 4], [0.2, 1]])
    assert unit == pytest.approx((logs - logs.min(axis=0)) / np.ptp(logs, axis=0))
    assert len(places(front, Terms(ERROR, is_log=False, samples=100))[0]) == 5


def test_the_first_axes_and_scale_that_a_rule_knows_are_its_default():
    known = {"samples": MEASURED.validation_images, "constant_loss": MEASURED.constant_loss}
    asked = RULES["chord"].terms("chord", None, None, MEASURED)
    assert asked == Terms(LOSS, is_log=True, **known)
    asked = RULES["weight-interval"].terms("weight-interval", None, None, MEASURED)
    assert asked == Terms(LOSS, is_log=False, **known)
    assert RULES["one-se"].terms("one-se", None, None, MEASURED).axes == ERROR
    asked = RULES["angle"].terms("angle", "error,nonzeros", "linear", MEASURED)
    assert asked == Terms(ERROR, is_log=False, **known)


@pytest.mark.parametrize(
    ("name", "axes", "scale", "said"),
    [
        ("weight-interval", "error,nonzeros", None, "on --axes loss,complexity only: its weights"),
        ("weight-interval", None, "log", "with --linear only: it weighs the values themselves"),
        ("one-se", "loss,complexity", None, "on --axes error,nonzeros, .* only: its standard err"),
        ("one-se", None, "log", "takes neither --log nor --linear: .*leave the scale out"),
        ("one-se", None, "linear", "takes neither --log nor --linear"),
        ("balance", "error,nonzeros", None, "loss,flops, loss,parameters only: it measures losses"),
        ("balance", "loss,neurons", None, "and sizes against those of the whole network"),
        ("chord", "error,flop", None, "did you mean error,flops?"),
        ("balance", None, "linear", "with --log only: it compares shares"),
        ("chord", "complexity,loss", None, "did you mean loss,complexity?"),
        ("chord", "error,nonzero", None, "did you mean error,nonzeros?"),
        ("chord", None, "linaer", "did you mean linear?"),
    ],
)
def test_axes_and_scales_without_a_meaning_are_refused(name, axes, scale, said):
    with pytest.raises(UsageError, match=said):
        RULES[name].terms(name, axes, scale, MEASURED)
