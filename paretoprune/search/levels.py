"""What the paper's searches share: a list of points, and a new lam between each two neighbours.

A round is a level: one lam for each interval that is not closed, the largest estimated gain first
where the round is too small for all. After each level the points that are dominated or above the
chord of the list's extremes leave the list (arXiv 2008.13590, section 3, and the authors' code).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import pandas as pd

from paretoprune.front import alive, pareto
from paretoprune.search.grid import lam_range
from paretoprune.search.proposal import (
    Interval,
    IntervalState,
    Proposal,
    SearchSettings,
    rounded,
)
from paretoprune.search.triangle import FLOOR, Corner, corners_of, estimated_gain, near

PAPER_END = 0.1  # the authors' largest lam; nothing but 0 and 1 bounds the others
AXES = ("train_loss", "complexity")

# A pair of neighbours, the denser one first -> lams to be tried between them, in this order
Between = Callable[[Corner, Corner, SearchSettings], Sequence[float]]


def search_levels(
    points: pd.DataFrame, settings: SearchSettings, between: Between, paper_levels: int
) -> Proposal:
    """Propose the next level; in the recipe `paper` there are no more than `paper_levels`."""
    is_paper = settings.recipe == "paper"
    low, high = lam_range(settings.lam_ref)
    if points.empty:
        start = (0.0, PAPER_END) if is_paper else (0.0, high, low)
        return Proposal(lams=start[: settings.round_size])
    points = points.sort_values("lam", kind="stable")
    living = alive(points)
    if living.empty:
        return Proposal(lams=())
    floor = FLOOR * float(living["complexity"].min())
    intervals = []
    for dense, sparse in pairwise(corners_of(listed(living))):
        tries = [rounded(lam) for lam in between(dense, sparse, settings)]
        inside = [lam for lam in tries if is_paper or low <= lam <= high]
        intervals.append(examine(points, dense, sparse, inside, floor, settings))
    eager = sorted(
        (interval for interval in intervals if interval.state == "open"),
        key=lambda interval: (-interval.gain, interval.lam),
    )
    wanted = (*missing_ends(points, settings), *toward_living(points, living, settings))
    lams = tuple(dict.fromkeys((*wanted, *(interval.lam for interval in eager))))
    if is_paper and points["round"].nunique() > paper_levels:
        lams = ()
    return Proposal(lams=lams[: settings.round_size], intervals=tuple(intervals))


def listed(living: pd.DataFrame) -> pd.DataFrame:
    """The search's list: nondominated points that are not above the chord of the extremes."""
    front = pareto(living, AXES).sort_values([*AXES, "lam"]).drop_duplicates(list(AXES))
    losses, costs = (front[name].to_numpy(float) for name in AXES)
    above = (costs - costs[-1]) * (losses[-1] - losses[0]) > (losses[-1] - losses) * (
        costs[0] - costs[-1]
    )
    above[[0, -1]] = False  # the ends lie on it, but for rounding
    return front[~above]


def examine(
    points: pd.DataFrame,
    dense: Corner,
    sparse: Corner,
    tries: Sequence[float],
    floor: float,
    settings: SearchSettings,
) -> Interval:
    """Take the first lam of `tries` that was not trained yet; without one, say why."""
    known = [float(lam) for lam in points["lam"]]
    fresh = [lam for lam in tries if not any(near(lam, other) for other in known)]
    # with the authors' moments a lam is not the weight of what was minimised: no line to trust
    lines = settings.recipe != "paper"
    gain = estimated_gain(
        dense if lines else replace(dense, lam=0.0),
        sparse if lines else replace(sparse, lam=0.0),
        (),
        (),
        floor,
    )
    if fresh:
        state: IntervalState = "converged" if gain < settings.tolerance else "open"
    else:
        state = closed(points, dense, sparse, tries)
    lam = (fresh or list(tries) or [dense.lam])[0]
    return Interval(lam_low=dense.lam, lam_high=sparse.lam, gain=gain, lam=lam, state=state)


def closed(
    points: pd.DataFrame, dense: Corner, sparse: Corner, tries: Sequence[float]
) -> IntervalState:
    """Say why an interval has no lam left."""
    if not tries:
        return "outside"
    tried = points[[any(near(lam, other) for lam in tries) for other in points["lam"]]]
    if (tried["status"] != "done").any():
        return "failed"
    return "narrow" if tried["lam"].isin([dense.lam, sparse.lam]).all() else "noise"


def missing_ends(points: pd.DataFrame, settings: SearchSettings) -> tuple[float, ...]:
    """The ends of the range that a small first round left out."""
    if settings.recipe == "paper":
        return ()
    known = [float(lam) for lam in points["lam"]]
    ends = lam_range(settings.lam_ref)
    return tuple(end for end in ends if not any(near(end, lam) for lam in known))


def toward_living(
    points: pd.DataFrame, living: pd.DataFrame, settings: SearchSettings
) -> tuple[float, ...]:
    """Half-way from the largest lam that left a network alive to one that killed it, if one did."""
    top = float(living["lam"].max())
    deadly = float(points.loc[points["lam"] > top, "lam"].min())  # NaN where none is
    if math.isnan(deadly):
        return ()
    lam = rounded(mean(top, deadly, settings))
    known = any(near(lam, other) for other in points["lam"])
    inside = settings.recipe == "paper" or lam >= lam_range(settings.lam_ref)[0]
    return (lam,) if inside and not known else ()


def mean(lam: float, other: float, settings: SearchSettings) -> float:
    """Of the logarithms; a plain one for the recipe `paper`. 0 has no logarithm: the least lam."""
    low, high = sorted((lam, other))
    if settings.recipe == "paper":
        return (low + high) / 2
    return math.sqrt(max(low, lam_range(settings.lam_ref)[0]) * high)
