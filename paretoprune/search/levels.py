"""Level-wise search, the common part of the paper's searches (arXiv 2008.13590, section 3).

A search keeps a list of points and proposes a new λ between each two neighbours. A round is a
level: one λ for each interval that is not closed, the largest acquisition values first if the
round is too small for all. After each level the points that are dominated, or above the chord of
the list's extremes, leave the list (as in the authors' code).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd

from paretoprune.analysis.aggregate import alive
from paretoprune.analysis.pareto import pareto
from paretoprune.search.grid import LARGEST_LAM, lam_range
from paretoprune.search.interval_gain import FLOOR, Corner, acquisition_value, corners_of, near
from paretoprune.search.proposal import (
    PENDING,
    Interval,
    IntervalState,
    Proposal,
    SearchSettings,
    rounded,
)

PAPER_END = 0.1  # largest λ of the authors' first level
AXES = ("train_loss", "complexity")


@dataclass(frozen=True, kw_only=True)
class LevelRules:
    """Rules in which this project's searches differ from the authors' literal ones.

    Attributes:
        is_paper: whether the authors' constants and formulas apply.
        low: the smallest λ apart from 0.
        high: the largest λ.
        start: the λs of the first level.
        most_levels: the largest number of levels after the first.
        seed: the study's seed, for searches that draw.
    """

    is_paper: bool
    low: float
    high: float
    start: tuple[float, ...]
    most_levels: float
    seed: int

    def mean(self, lam: float, other: float) -> float:
        """Return the geometric mean (0 counts as `low`), or in the paper the arithmetic one."""
        if self.is_paper:
            return (lam + other) / 2
        return math.sqrt(max(lam, self.low) * max(other, self.low))

    def same(self, lam: float, others: np.ndarray) -> np.ndarray:
        """Return which of `others` [N] make a run at `lam` unnecessary, as booleans [N]."""
        return np.asarray(others == lam) if self.is_paper else near(lam, others)


# Two neighbours, the denser one first -> candidate λs between them, in the order of preference
Between = Callable[[Corner, Corner, LevelRules], Sequence[float]]


def level_rules(settings: SearchSettings, paper_levels: int) -> LevelRules:
    """Return the rules of the study's recipe; `paper_levels` limits only the recipe `paper`."""
    is_paper = settings.recipe == "paper"
    low, high = (0.0, LARGEST_LAM) if is_paper else lam_range(settings.lam_ref)
    return LevelRules(
        is_paper=is_paper,
        low=low,
        high=high,
        start=(0.0, PAPER_END) if is_paper else (0.0, high, low),
        most_levels=paper_levels if is_paper else math.inf,
        seed=settings.seed,
    )


def search_levels(
    points: pd.DataFrame, settings: SearchSettings, between: Between, paper_levels: int
) -> Proposal:
    """Propose the λs of the next level.

    Args:
        points: search points, one row for each λ.
        settings: the study's settings for searches.
        between: returns the candidate λs between two neighbours, in the order of preference.
        paper_levels: the largest number of levels after the first in the recipe `paper`.
    """
    rules = level_rules(settings, paper_levels)
    if points.empty:
        return Proposal(lams=rules.start[: settings.round_size])
    points = points.sort_values("lam", kind="stable")
    living = alive(points)
    if living.empty:
        return Proposal(lams=())
    floor = FLOOR * float(living["complexity"].min())
    intervals = tuple(
        examine(points, dense, sparse, between(dense, sparse, rules), floor, rules, settings)
        for dense, sparse in pairwise(corners_of(listed(living)))
    )
    if points["round"].nunique() > rules.most_levels:
        return Proposal(lams=(), intervals=intervals)
    open_intervals = sorted(
        (interval for interval in intervals if interval.state == "open"),
        key=lambda interval: (-interval.gain, interval.lam),
    )
    wanted = (*rules.start, *toward_living(points, living, rules))
    missing = [lam for lam in wanted if not is_known(points, lam, rules)]
    lams = tuple(dict.fromkeys((*missing, *(interval.lam for interval in open_intervals))))
    return Proposal(lams=lams[: settings.round_size], intervals=intervals)


def listed(living: pd.DataFrame) -> pd.DataFrame:
    """Return the search's list: nondominated points not above the chord of the extremes."""
    front = pareto(living, AXES).sort_values([*AXES, "lam"]).drop_duplicates(list(AXES))
    losses, costs = (front[name].to_numpy(float) for name in AXES)
    above: np.ndarray = (costs - costs[-1]) * (losses[-1] - losses[0]) > (losses[-1] - losses) * (
        costs[0] - costs[-1]
    )
    above[[0, -1]] = False  # the ends lie on it, apart from rounding
    return front[~above]


def examine(
    points: pd.DataFrame,
    dense: Corner,
    sparse: Corner,
    tries: Sequence[float],
    floor: float,
    rules: LevelRules,
    settings: SearchSettings,
) -> Interval:
    """Return the interval between two neighbours, with the first new λ of `tries`.

    If there is no new λ, the state of the interval is the reason.
    """
    inside = [lam for lam in map(rounded, tries) if rules.low <= lam <= rules.high]
    fresh = [lam for lam in inside if not is_known(points, lam, rules)]
    # with the authors' moments a run does not minimise the weighted sum of its λ: no valid line
    ends = [replace(end, lam=0.0) if rules.is_paper else end for end in (dense, sparse)]
    gain = acquisition_value(ends[0], ends[1], (), (), floor)
    if fresh:
        state: IntervalState = "converged" if gain < settings.tolerance else "open"
    else:
        state = closed(points, dense, sparse, inside, rules)
    lam = (fresh or inside or [dense.lam])[0]
    return Interval(lam_low=dense.lam, lam_high=sparse.lam, gain=gain, lam=lam, state=state)


def closed(
    points: pd.DataFrame, dense: Corner, sparse: Corner, tries: Sequence[float], rules: LevelRules
) -> IntervalState:
    """Return the reason why an interval has no λ left."""
    if not tries:
        return "outside"
    lams = points["lam"].to_numpy()
    tried = np.any([rules.same(lam, lams) for lam in tries], axis=0)
    if (points["status"][tried] != "done").any():
        return "failed"
    return "narrow" if np.isin(lams[tried], [dense.lam, sparse.lam]).all() else "noise"


def is_known(points: pd.DataFrame, lam: float, rules: LevelRules) -> bool:
    """Return whether `lam`, or a λ that equals it apart from noise, has been trained."""
    return bool(rules.same(lam, points["lam"].to_numpy()).any())


def toward_living(
    points: pd.DataFrame, living: pd.DataFrame, rules: LevelRules
) -> tuple[float, ...]:
    """Return the mean of the largest λ with a living network and the next one above without.

    The result is empty if there is no λ above, if a run at such a λ is pending, or if the mean is
    out of range.
    """
    top = float(living["lam"].max())
    above = points[points["lam"] > top]
    if (above["status"] == PENDING).any():  # it may be the run sought
        return ()
    dead_lam = float(above["lam"].min())  # NaN if there is none
    lam = math.nan if math.isnan(dead_lam) else rounded(rules.mean(top, dead_lam))
    return (lam,) if rules.low <= lam <= rules.high else ()
