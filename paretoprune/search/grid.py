"""The grid: 0, and lams spaced evenly on a logarithmic scale."""

import numpy as np
import pandas as pd

from paretoprune.search.proposal import Proposal, SearchSettings, rounded

LOWEST, HIGHEST = 1 / 100, 10  # times lam_ref
LARGEST_LAM = 0.999  # a small network's lam_ref may exceed 0.1


def grid(points: pd.DataFrame, settings: SearchSettings) -> Proposal:
    """Propose the missing lams of a grid of `max_runs`, spread over its range from the start.

    A study that already has another grid (its `max_runs` was raised) is refined instead: each new
    lam halves the widest gap.
    """
    if settings.max_runs <= len(points):
        return Proposal(lams=())
    wanted = grid_lams(settings.max_runs, settings.lam_ref)
    present = sorted(float(lam) for lam in points["lam"])
    if set(present) <= set(wanted):
        lams = spread(wanted, present)
    else:
        lams = refine(present, wanted, settings.max_runs - len(present))
    return Proposal(lams=tuple(lams[: settings.round_size]))


def grid_lams(size: int, lam_ref: float) -> list[float]:
    """0 and `size - 1` lams, evenly in log, over [lam_ref / 100, 10 lam_ref]."""
    low, high = LOWEST * lam_ref, HIGHEST * lam_ref
    lams = np.geomspace(min(low, LARGEST_LAM / 10), min(high, LARGEST_LAM), max(size - 1, 0))
    return [0.0, *(rounded(lam) for lam in lams)]


def spread(wanted: list[float], present: list[float]) -> list[float]:
    """Order the lams that are not present so that each is as far as can be from all before it."""
    logs = {lam: index for index, lam in enumerate(wanted)}  # evenly spaced: the index will do
    taken = [logs[lam] for lam in present]
    order: list[float] = []
    left = [lam for lam in wanted if lam not in present]
    while left:
        ends = [logs[lam] for lam in left if lam in (wanted[0], wanted[-1])]
        if ends:
            best = ends[0]
        else:
            best = max((logs[lam] for lam in left), key=lambda i: min(abs(i - j) for j in taken))
        taken.append(best)
        order.append(wanted[best])
        left.remove(wanted[best])
    return order


def refine(present: list[float], wanted: list[float], count: int) -> list[float]:
    """Up to `count` lams: the missing ends of the range, then middles of the widest gaps."""
    lams = [lam for lam in (wanted[0], wanted[1], wanted[-1]) if lam not in present]
    known = sorted({*present, *lams} - {0.0})
    while len(lams) < count:
        gap = max(range(len(known) - 1), key=lambda i: known[i + 1] / known[i])
        middle = rounded(float(np.sqrt(known[gap] * known[gap + 1])))
        if middle in known:
            break
        known.insert(gap + 1, middle)
        lams.append(middle)
    return lams[:count]
