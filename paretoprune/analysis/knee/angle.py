"""Angle rule: the knee is the point where the front bends most."""

from itertools import product

import numpy as np
import pandas as pd

from paretoprune.analysis.knee.axes import TIE, AxesSpec, scaled_points
from paretoprune.analysis.knee.result import KneeResult, too_few


def angle(front: pd.DataFrame, spec: AxesSpec) -> KneeResult:
    """Choose the inner point with the largest bend between the lines to points on either side.

    Source: Branke, Deb, Dierolf and Osswald (2004), "Finding knees in multi-objective
    optimization", PPSN VIII, section 3.1, with its improvement: lines are drawn to the neighbours
    and to the next points beyond them, and the largest of the four bends counts.
    """
    labels, unit = scaled_points(front, spec)
    few = too_few(labels)
    if few:
        return few
    bends = np.array([largest_bend(unit, row) for row in range(1, len(unit) - 1)])
    best = int((bends >= bends.max() - TIE).argmax())  # among equal ones, the densest
    if bends[best] <= TIE:
        return KneeResult(None, "no point between the extremes bends towards the ideal")
    return KneeResult(
        int(labels[best + 1]),
        f"sharpest bend towards the ideal ({np.degrees(bends[best]):.0f} degrees)",
    )


def largest_bend(unit: np.ndarray, row: int) -> float:
    """Return the largest turn (rad, positive towards the ideal) at `row` of `unit` [N, 2]."""
    denser = [direction(unit[i], unit[row]) for i in (row - 1, row - 2) if i >= 0]
    sparser = [direction(unit[row], unit[i]) for i in (row + 1, row + 2) if i < len(unit)]
    return max(after - before for before, after in product(denser, sparser))


def direction(start: np.ndarray, end: np.ndarray) -> float:
    """Return the angle of a line to the first axis in radians, from -pi/2 (down) to 0 (flat)."""
    return float(np.arctan2(end[1] - start[1], end[0] - start[0]))
