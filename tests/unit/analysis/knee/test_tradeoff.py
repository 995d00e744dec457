"""The trade-off rule: what stands out, and which of several is taken."""

import subprocess
import sys

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from paretoprune.analysis.knee import RULES
from paretoprune.analysis.knee.tradeoff import standing_out
from tests.support.checkout import ROOT
from tests.support.fronts import LINEAR, LOG, front_at

tradeoff = RULES["tradeoff"].rule


def test_tradeoff_finds_what_stands_out():
    """A line with one point far below it: either neighbour is reached at a loss."""
    line = [(i, 10.0 - i) for i in range(11)]
    line[4] = (4, 5.01)
    assert tradeoff(front_at(*line), LINEAR).index == 4
    result = tradeoff(front_at(*line), LINEAR)
    assert "every move" in result.reason
    assert "nearest" not in result.reason


def test_tradeoff_takes_of_several_the_nearest_to_the_ideal():
    """Of the fifth and the ninth of twelve, and of the same in the mirror."""
    losses = (2, 7, 8, 10, 13, 20, 27, 28, 34, 49, 50, 56)
    complexities = (59, 56, 54, 46, 39, 35, 27, 26, 14, 13, 10, 4)
    points = list(zip(losses, complexities, strict=True))
    unit = np.array(points, float)
    unit = (unit - unit.min(axis=0)) / np.ptp(unit, axis=0)
    assert standing_out(unit) == [4, 8]
    assert unit[8].sum() < unit[4].sum()
    mirrored = [(x, y) for y, x in points[::-1]]
    for order, at in ((points, 8), (mirrored, 3)):
        result = tradeoff(front_at(*order), LINEAR)
        assert result.index == at
        assert "nearest to the ideal of 2 such points" in result.reason


def test_tradeoff_finds_no_knee_where_nothing_stands_out():
    concave = [(0, 10), (4, 9), (7, 7), (9, 4), (10, 0)]
    straight = [[(i / 7, 10 - i / 3) for i in range(n)] for n in (8, 11, 15)]
    for front in (front_at(*scaled_points) for scaled_points in (concave, *straight)):
        result = tradeoff(front, LINEAR)
        assert result.index is None
        assert "stands out" in result.reason


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), min_size=3, max_size=12))
def test_tradeoff_always_answers_with_an_inner_point_or_none(scaled_points):
    front = front_at(*set(scaled_points))
    for spec in (LOG, LINEAR):
        assert tradeoff(front, spec).index in (None, *front.index[1:-1])


def test_tradeoff_leaves_the_process_as_it_was():
    """Its library ignores all warnings from then on, and divides by zero."""
    code = """
import warnings
import numpy as np
from paretoprune.analysis.knee import RULES
from tests.support.fronts import LINEAR, LOSS, front_of
warnings.simplefilter("error")
np.seterr(all="raise")
before = list(warnings.filters)
for shape in ("curve", "corner", "dents"):
    RULES["tradeoff"].rule(front_of(shape, LOSS), LINEAR)
assert warnings.filters == before
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
