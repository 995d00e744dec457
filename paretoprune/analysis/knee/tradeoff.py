"""Trade-off rule: the knee is the point that loses most for what a move to a neighbour gains."""

import warnings

import numpy as np
import pandas as pd

from paretoprune.analysis.knee.axes import TIE, AxesSpec, scaled_points
from paretoprune.analysis.knee.result import KneeResult, too_few


def tradeoff(front: pd.DataFrame, spec: AxesSpec) -> KneeResult:
    """Choose an inner point whose least sacrifice per unit of gain stands out.

    Source: Rachmawati and Srinivasan (2009), "Multiobjective evolutionary algorithm with
    controllable focus on the knees of the Pareto front", as in pymoo's `HighTradeoffPoints`. The
    neighbours of a point lie within 0.125 of the box (four at least). A point stands out if it is
    two standard deviations above the mean, or if it is the highest and one above. If several
    inner points stand out, the one nearest to the ideal (in the sum of both axes) is chosen.
    """
    labels, unit = scaled_points(front, spec)
    few = too_few(labels)
    if few:
        return few
    found = [row for row in standing_out(unit) if 0 < row < len(unit) - 1]
    if not found:
        return KneeResult(None, "no trade-off between the extremes stands out")
    best = min(found, key=lambda row: round(float(unit[row].sum()), 9))  # the first of equal ones
    among = f", nearest to the ideal of {len(found)} such points" if len(found) > 1 else ""
    reason = f"every move to a neighbour loses unusually much for what it gains{among}"
    return KneeResult(int(labels[best]), reason)


def standing_out(unit: np.ndarray) -> list[int]:
    """Return the rows of `unit` [N, 2] that hold points of high trade-off.

    The list is empty for a straight front.
    """
    if np.ptp(unit.sum(axis=1)) <= TIE:  # all equal: rounding would decide
        return []
    # pymoo divides by zero, imports deprecated SciPy, and disables warnings in the whole process
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        from pymoo.mcdm.high_tradeoff import HighTradeoffPoints  # takes 0.25 s to import

        # rounded, so that rounding in the units of an axis does not decide
        found = HighTradeoffPoints().do(np.round(unit, 12))
    return [] if found is None else [int(row) for row in found]
