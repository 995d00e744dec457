"""Distances from a front, coverage, and means over seeds."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretoprune.analysis.comparison.distance import (
    PointDistance,
    Spread,
    c_metric,
    point_distance,
    spread,
)
from paretoprune.analysis.pareto import AXES

STAIRS = np.array([[1.0, 100.0], [2.0, 50.0], [4.0, 10.0]])


@pytest.mark.parametrize(
    ("place", "quality", "cost", "is_dominated"),
    [
        ((3.0, 60.0), 1.0, 10.0, True),  # between two steps
        ((2.5, 20.0), -1.5, -30.0, False),  # before the staircase
        ((2.0, 50.0), 0.0, 0.0, False),  # a network of the front itself
        ((2.0, 60.0), 0.0, 10.0, True),  # as good, more costly
        ((3.0, 50.0), 1.0, 0.0, True),  # as costly, worse
        ((0.5, 200.0), -0.5, None, False),  # better than the whole front
        ((9.0, 5.0), None, -5.0, False),  # smaller than the whole front
        ((0.5, 5.0), None, None, False),  # beyond both ends
    ],
)
def test_the_gap_is_that_to_the_staircase(place, quality, cost, is_dominated):
    share = None if cost is None else cost / place[1]
    assert point_distance(np.array(place), STAIRS) == PointDistance(
        quality, cost, share, is_dominated
    )


def test_a_network_without_weights_has_no_share():
    assert point_distance(np.array([5.0, 0.0]), np.array([[4.0, 0.0]])) == PointDistance(
        1.0, 0.0, None, True
    )


NUMBERS = st.integers(0, 6).map(float)
PLACES = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=8)


@given(place=st.tuples(NUMBERS, NUMBERS), front=PLACES)
def test_gaps_agree_with_a_search_through_all_networks(place, front):
    found = point_distance(np.array(place), np.array(front))
    best = min((q for q, c in front if c <= place[1]), default=None)
    least = min((c for q, c in front if q <= place[0]), default=None)
    assert found.quality == (None if best is None else place[0] - best)
    assert found.size == (None if least is None else place[1] - least)
    assert found.is_dominated == any(
        q <= place[0] and c <= place[1] and (q, c) != place for q, c in front
    )
    if found.is_dominated:
        assert min(found.quality, found.size) >= 0 < max(found.quality, found.size)


@given(front=PLACES, by=PLACES)
def test_coverage_agrees_with_a_search_through_all_pairs(front, by):
    found = c_metric(np.array(front), np.array(by), AXES)
    expected = [any(q <= a and c <= b for q, c in by) for a, b in front]
    assert (found.covered, found.networks) == (sum(expected), len(front))


def test_a_spread_is_of_what_is_known():
    assert spread([1.0, None, 3.0, float("nan")]) == Spread(2.0, math.sqrt(2), 2)
    assert spread([4.0]) == Spread(4.0, None, 1)
    assert spread([None]) == Spread(None, None, 0)
