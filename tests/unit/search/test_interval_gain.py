"""The gain of an interval."""

from dataclasses import replace

import numpy as np
import pytest

from paretoprune.analysis.aggregate import over_seeds
from tests.support.searches import SETTINGS, examined, knee
from tests.support.tables import FRONTS, corner, table


def test_gain_of_two_points_is_the_triangles_area():
    (interval,) = examined([corner(0.3, 0.1, 1.0), corner(0.8, 1.0, 0.1)]).intervals
    losses = np.geomspace(0.1, 1.0, 100_001)
    chord = np.interp(losses, [0.1, 1.0], [1.0, 0.1])
    lines = (1.0 - 0.7 / 0.3 * (losses - 0.1), 0.1 + 0.2 / 0.8 * (1.0 - losses))
    area = np.trapezoid(np.log10(chord / np.maximum(*lines)), np.log10(losses))
    assert interval.gain == pytest.approx(area, rel=0.01)
    assert (interval.lam_low, interval.lam, interval.lam_high) == (0.3, 0.5, 0.8)


@pytest.mark.parametrize("beyond", [(0.0, 0.09, 140.0), (0.9, 3.0, 7.0)])
def test_neighbours_bound_a_gain_where_an_ends_own_weight_says_nothing(beyond):
    """Both lams are on the wrong side of the chord's normal: only convexity is left."""
    late = [corner(0.2, 0.1, 100.0), corner(0.001, 1.0, 10.0)]
    (alone,) = examined(late).intervals
    (bounded,) = (i for i in examined([*late, corner(*beyond)]).intervals if i.lam_low == 0.2)
    assert 0 < bounded.gain / 2 < 0.99 * alone.gain  # three points have a knee: it counts double


def test_an_interval_at_the_knee_counts_double():
    losses = [(0.0, 0.1, 500.0), (0.001, 0.2, 100.0), (0.01, 0.6, 30.0), (0.1, 2.0, 10.0)]
    gains = []
    for val_losses in ([0.1, 0.11, 1.9, 2.0], [0.1, 0.15, 0.2, 2.0]):
        rows = [corner(*at, val_loss=v) for at, v in zip(losses, val_losses, strict=True)]
        gains.append(np.array([interval.gain for interval in examined(rows).intervals]))
    assert gains[0] / gains[1] == pytest.approx([2, 1, 0.5])  # knee at the 2nd, then the 3rd


def test_best_gain_comes_first():
    points = over_seeds(table([FRONTS[0].train(lam) for lam in (0.0, 1e-4, 1e-3, 0.01)]))
    proposal = knee(points, SETTINGS)
    gains = {interval.lam: interval.gain for interval in proposal.intervals}
    order = [gains[lam] for lam in proposal.lams if lam in gains]
    assert len(order) >= 3
    assert order == sorted(order, reverse=True)
    assert knee(points, replace(SETTINGS, round_size=2)).lams == proposal.lams[:2]
