"""The angle rule, on fronts whose bends are known."""

import numpy as np

from paretoprune.analysis.knee import RULES
from tests.support.fronts import LINEAR, LOG, LOSS, front_at, front_of

angle = RULES["angle"].rule


def test_angle_finds_the_bend_of_a_corner():
    """Down by 2 to 1 and on by 1 to 2 (in the box): 63.4 - 26.6 degrees."""
    front = front_at((0, 9), (1.5, 6), (3, 3), (6, 1.5), (9, 0))
    result = angle(front, LINEAR)
    assert result.index == 2
    assert "(37 degrees)" in result.reason


def test_angle_looks_beyond_the_neighbours():
    """The middle of a bevelled corner does not bend between its neighbours, and most beyond them.

    Lines of slope -7/2 and -2/7: 74.05 - 15.95 degrees; its neighbours bend by 35.5.
    """
    result = angle(front_at((0, 9), (1, 3), (2, 2), (3, 1), (9, 0)), LINEAR)
    assert result.index == 2
    assert "(58 degrees)" in result.reason


def test_angle_combines_a_neighbour_with_the_next_but_one():
    """From (0, 9) by slope -7, on to (9, 0) by -1/4 rather than to the neighbour by -1/2."""
    result = angle(front_at((0, 9), (1, 2), (2, 1.5), (9, 0)), LINEAR)
    assert result.index == 1
    assert "(68 degrees)" in result.reason  # 81.87 - 14.04


def test_angle_finds_no_knee_where_nothing_bends_towards_the_ideal():
    logs = np.linspace(0, 1, 6)
    front = front_at(*zip(10**logs, 10 ** (1 - logs**2), strict=True))
    for front_without in (front, front_of("line in logs", LOSS), front_of("even in logs", LOSS)):
        result = angle(front_without, LOG)
        assert result.index is None
        assert "bends towards the ideal" in result.reason
