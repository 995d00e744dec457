"""The chord rule, on fronts of two lines and on concave ones."""

import numpy as np
import pytest

from paretoprune.analysis.knee import RULES
from tests.support.fronts import LINEAR, LOG, LOSS, front_at, front_of

chord = RULES["chord"].rule


@pytest.mark.parametrize("corner", [1, 3, 5, 7])
def test_chord_finds_the_corner_of_two_lines_in_the_logarithms(corner):
    """From (0, 8) down steeply to (1, 2), then flat to (8, 0), or with another corner."""
    steep = np.column_stack([np.linspace(0, 1, corner + 1), np.linspace(8, 2, corner + 1)])
    flat = np.column_stack([np.linspace(1, 8, 9 - corner), np.linspace(2, 0, 9 - corner)])
    scaled_points = np.vstack([steep, flat[1:]])
    for spec, front in ((LOG, front_at(*10**scaled_points)), (LINEAR, front_at(*scaled_points))):
        assert chord(front, spec).index == corner
        assert "(0.44 of" in chord(front, spec).reason  # (1 - 1/8 - 2/8) / sqrt 2


def test_chord_finds_no_knee_above_the_chord():
    """Concave in the logarithms; convex and with corners in the values themselves."""
    logs = np.linspace(0, 1, 6)
    front = front_at(*zip(10**logs, 10 ** (1 - logs**2), strict=True))
    assert chord(front, LOG).index is None
    assert "below the line" in chord(front, LOG).reason
    assert chord(front, LINEAR).index is not None
    assert chord(front_of("line in logs", LOSS), LOG).index is None
