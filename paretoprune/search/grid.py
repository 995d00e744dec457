"""Grid search: λ = 0 and λs that are evenly spaced on a logarithmic scale."""

import numpy as np
import pandas as pd

from paretoprune.search.proposal import Proposal, SearchSettings, rounded

PAPER_LAMS = [
    0.0,
    *(float(f"{digit}e-{power}") for power in (5, 4, 3) for digit in (1, 3, 5, 7, 9)),
    *(0.01, 0.015, 0.02, 0.025, 0.03, 0.035, 0.05, 0.07, 0.09, 0.1),
]
LOWEST, HIGHEST = 1 / 100, 10  # times λ_ref
LARGEST_LAM = 0.999  # λ_ref of a small network may exceed 0.1


def grid(points: pd.DataFrame, settings: SearchSettings) -> Proposal:
    """Propose missing λs of a grid of `max_runs`, spread over its range from the first round on.

    A study whose λs belong to another grid (because `max_runs` was raised) is refined instead:
    each new λ halves the widest gap.
    """
    if settings.max_runs <= len(points):
        return Proposal(lams=())
    is_paper = settings.recipe == "paper"
    wanted = PAPER_LAMS if is_paper else grid_lams(settings.max_runs, settings.lam_ref)
    present = sorted(float(lam) for lam in points["lam"])
    count = min(settings.round_size, settings.max_runs - len(present))
    known = set(present) < set(wanted)
    lams = spread(wanted, present, count) if known else refine(present, wanted, count)
    return Proposal(lams=tuple(lams))


def lam_range(lam_ref: float) -> tuple[float, float]:
    """Return the smallest and the largest λ of a search, apart from 0."""
    low, high = min(LOWEST * lam_ref, LARGEST_LAM / 10), min(HIGHEST * lam_ref, LARGEST_LAM)
    return rounded(low), rounded(high)


def grid_lams(size: int, lam_ref: float) -> list[float]:
    """Return 0 and `size - 1` λs that are log-spaced over [λ_ref / 100, 10 λ_ref].

    A single λ besides 0 is λ_ref. All λs are limited to `LARGEST_LAM`.
    """
    low, high = lam_range(lam_ref)
    lams = [min(lam_ref, high)] if size == 2 else np.geomspace(low, high, max(size - 1, 0))
    return [0.0, *(rounded(float(lam)) for lam in lams)]


def spread(wanted: list[float], present: list[float], count: int) -> list[float]:
    """Return up to `count` λs of `wanted` that are not in `present`, spread over the whole range.

    The ends come first, then each λ as far as possible from all others. The search therefore covers
    its whole range even if it is stopped early.
    """
    positions = np.arange(len(wanted))  # evenly spaced, except for 0
    distance = np.full(len(wanted), np.inf)
    taken = [wanted.index(lam) for lam in present]
    for position in taken:
        distance = np.minimum(distance, abs(positions - position))
    order: list[float] = []
    for _ in range(min(count, len(wanted) - len(present))):
        missing_ends = [end for end in (0, len(wanted) - 1) if distance[end] > 0]
        best = missing_ends[0] if missing_ends else int(distance.argmax())
        distance = np.minimum(distance, abs(positions - best))
        order.append(wanted[best])
    return order


def refine(present: list[float], wanted: list[float], count: int) -> list[float]:
    """Return up to `count` new λs: missing ends of the range, then middles of the widest gaps."""
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
