"""The knee as the point that loses most against what its neighbours win."""

import warnings

import numpy as np
import pandas as pd

from paretoprune.analysis.knee.axes import EVEN, Terms, places
from paretoprune.analysis.knee.result import Verdict, too_few


def tradeoff(front: pd.DataFrame, terms: Terms) -> Verdict:
    """Take an inner point whose least sacrifice for each unit of gain stands out.

    Source: Rachmawati and Srinivasan (2009), "Multiobjective evolutionary algorithm with
    controllable focus on the knees of the Pareto front", as in pymoo's `HighTradeoffPoints`:
    neighbours lie within 0.125 of the box (four at least), and a point stands out that is two
    standard deviations above the mean, or the highest if it is one above. Of several inner points
    the one nearest to the ideal is taken (in the sum of both axes).
    """
    labels, unit = places(front, terms)
    few = too_few(labels)
    if few:
        return few
    found = [at for at in standing_out(unit) if 0 < at < len(unit) - 1]
    if not found:
        return Verdict(None, "no trade-off between the extremes stands out")
    best = min(found, key=lambda at: round(float(unit[at].sum()), 9))  # first of equal ones
    among = f", nearest to the ideal of {len(found)} such points" if len(found) > 1 else ""
    reason = f"every move to a neighbour loses unusually much for what it gains{among}"
    return Verdict(int(labels[best]), reason)


def standing_out(unit: np.ndarray) -> list[int]:
    """Positions of the points of high trade-off among `unit` [N, 2]; none on a straight front."""
    if np.ptp(unit.sum(axis=1)) <= EVEN:  # all alike: rounding would choose
        return []
    # pymoo divides by zero, imports what SciPy deprecates, and tells the process to ignore warnings
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        from pymoo.mcdm.high_tradeoff import HighTradeoffPoints  # slow: a quarter of a second

        # rounded, so that rounding in the units of an axis does not decide
        found = HighTradeoffPoints().do(np.round(unit, 12))
    return [] if found is None else [int(at) for at in found]
