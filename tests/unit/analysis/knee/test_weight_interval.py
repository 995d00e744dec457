"""The weight-interval rule, against a scan of all weights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretoprune.analysis.knee import RULES
from tests.support.fronts import LINEAR, front_at

weight_interval = RULES["weight-interval"].rule


def widest_by_scan(front):
    """Which inner point is best for most weights, evenly in log-odds."""
    log_odds = np.linspace(-30, 30, 60_001)
    losses, complexities = (front[name].to_numpy() for name in ("val_loss", "complexity"))
    sums = losses[:, None] + np.exp(log_odds) * complexities[:, None]
    wins = np.bincount(sums.argmin(axis=0), minlength=len(front))
    corners = np.flatnonzero(wins)
    inner = corners[1:-1]
    return wins, inner


@pytest.mark.parametrize(
    ("points", "knee"),
    [
        ([(0.1, 1000), (0.2, 10), (2, 5)], 1),
        ([(0.1, 1000), (0.11, 900), (0.5, 20), (0.6, 19.9), (9, 18)], 2),
        ([(1, 1000), (2, 400), (3, 2), (500, 1.9), (900, 1.8)], 2),
        ([(1, 100), (2, 99), (3, 50), (4, 48), (5, 1), (90, 0.5)], 4),  # 2nd, 4th are in dents
    ],
)
def test_weight_interval_takes_what_most_weights_agree_on(points, knee):
    front = front_at(*points)
    result = weight_interval(front, LINEAR)
    assert result.index == knee
    wins, inner = widest_by_scan(front)
    assert inner[wins[inner].argmax()] == knee
    factor = float(result.reason.split("factor ")[1].split(" ")[0])
    assert np.log(factor) == pytest.approx(wins[knee] * 0.001, abs=0.01)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 100), st.integers(1, 100)), min_size=3, max_size=8))
def test_weight_interval_agrees_with_a_scan_of_all_weights(points):
    front = front_at(*set(points))
    wins, inner = widest_by_scan(front)
    chosen = weight_interval(front, LINEAR).index
    if len(inner) == 0:
        assert chosen is None
    else:
        position = front.index.get_loc(chosen)
        assert wins[position] >= wins[inner].max() - 2  # to the scan's accuracy
