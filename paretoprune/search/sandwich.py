"""Sandwich search, the default: the intervals of the largest acquisition value come first.

The corners of the lower convex hull of (train_loss, complexity) bound the intervals. Between two
neighbours the unknown front lies in a triangle: below their chord, and above the line at each end
on which the end's weighted sum is constant. The area of that triangle on logarithmic axes is the
acquisition value of a run in between, and it counts twice at the knee. The λ of that run is the
chord's normal (the dichotomic step of Aneja and Nair, 1979; arXiv 2008.13590, section 3).

A training of finite length often stops short of the optimum of its weighted sum, so that the
other end of an interval is better in this sum. The line at such an end is then invalid, and the
lines through the next corners, which follow from convexity, are used instead
(docs/decisions/0002).
"""

import math
from itertools import pairwise

import numpy as np
import pandas as pd

from paretoprune.analysis.aggregate import alive
from paretoprune.analysis.knee.axes import AxesSpec
from paretoprune.analysis.knee.chord import chord
from paretoprune.analysis.knee.one_se import one_se
from paretoprune.analysis.pareto import pareto, supported
from paretoprune.search.grid import LARGEST_LAM, grid_lams, spread
from paretoprune.search.interval_gain import (
    FLOOR,
    Corner,
    acquisition_value,
    chord_normal,
    corners_of,
    near,
)
from paretoprune.search.proposal import (
    PENDING,
    Interval,
    IntervalState,
    Proposal,
    SearchSettings,
    rounded,
)

PERFECT = 1e-4  # share of the constant prediction's loss: smaller losses are no better
DENSEST = 1e-4  # times λ_ref: smaller λs have no effect


def knee(points: pd.DataFrame, settings: SearchSettings) -> Proposal:
    """Propose first a grid of the round's size, then intervals of the largest acquisition value."""
    if points.empty:
        first = grid_lams(settings.round_size, settings.lam_ref)
        return Proposal(lams=tuple(spread(first, [], len(first))))
    points = points.sort_values("lam", kind="stable")
    living = alive(points)
    if living.empty:  # not even λ = 0 has a living network: no λ will help
        return Proposal(lams=())
    intervals = examine(points, living, settings)
    open_intervals = sorted(
        (interval for interval in intervals if interval.state == "open"),
        key=lambda interval: (-interval.gain, interval.lam),
    )
    lams = dict.fromkeys(
        (*reach(points, living, settings), *(interval.lam for interval in open_intervals))
    )
    return Proposal(lams=tuple(lams)[: settings.round_size], intervals=intervals)


def examine(
    points: pd.DataFrame, living: pd.DataFrame, settings: SearchSettings
) -> tuple[Interval, ...]:
    """Return all intervals between neighbouring supported points, with their states."""
    hull = supported(living, ("train_loss", "complexity"))
    corners = corners_of(hull)
    floor = FLOOR * float(living["complexity"].min())
    densest = useful_complexity(living, settings)
    front = pareto(living)
    at_knee = chord(front, AxesSpec()).index
    knee_lam = None if at_knee is None else float(front["lam"][at_knee])
    lams, failed = points["lam"].to_numpy(), (points["status"] != "done").to_numpy()
    intervals = []
    for i, (dense, sparse) in enumerate(pairwise(corners)):
        gain = acquisition_value(
            dense, sparse, corners[max(i - 1, 0) : i], corners[i + 2 : i + 3], floor
        )
        low, high = sorted((dense.lam, sparse.lam))  # noise may reverse them
        if knee_lam is not None and low <= knee_lam <= high:
            gain *= 2
        lam = next_lam(dense, sparse, settings.lam_ref)
        overfit = sparse.complexity >= densest
        state = (
            "overfit"
            if overfit
            else close(lams, failed, dense, sparse, gain, lam, settings.tolerance)
        )
        intervals.append(
            Interval(lam_low=dense.lam, lam_high=sparse.lam, gain=gain, lam=lam, state=state)
        )
    return tuple(intervals)


def useful_complexity(living: pd.DataFrame, settings: SearchSettings) -> float:
    """Return the complexity above which neither the validation loss nor the error improves.

    This is the complexity of the network of least validation loss, or that of the sparsest network
    within one standard error of the least validation error, whichever is larger: an overfitting
    network can have a larger loss and fewer errors.
    """
    spec = AxesSpec(
        ("val_error", "nonzeros"),
        samples=settings.validation_images,
        metric=settings.metric,
        constant_loss=settings.constant_loss,
    )
    chosen = one_se(pareto(living, spec.axes), spec).index
    is_best = (living.index == living["val_loss"].idxmin()) | (living.index == chosen)
    return float(living["complexity"][is_best].max())


def close(
    lams: np.ndarray,
    failed: np.ndarray,
    dense: Corner,
    sparse: Corner,
    gain: float,
    lam: float,
    tolerance: float,
) -> IntervalState:
    """Return the state of an interval: the reason why it is closed, or `open`.

    `lams` [N] are the known λs, and `failed` [N] tells which of them are not done.
    """
    tried = near(lam, lams)
    if failed[tried].any():
        return "failed"
    if np.isin(lams[tried], [dense.lam, sparse.lam]).any():
        return "narrow"
    if gain <= 0 or tried.any():  # trained already, and not below the chord
        return "noise"
    return "converged" if gain < tolerance else "open"


def next_lam(dense: Corner, sparse: Corner, lam_ref: float) -> float:
    """Return the λ at which both neighbours score equally, or a mean of theirs.

    The geometric mean is used if that λ is outside their interval or close to one of its ends.
    """
    lam = chord_normal(dense, sparse)
    low, high = sorted((dense.lam, sparse.lam))
    if not low < lam < high or near(lam, np.array([low, high])).any():
        lam = math.sqrt(low * high) if low > 0 else high / 10
    return rounded(min(max(lam, DENSEST * lam_ref), LARGEST_LAM))


def reach(
    points: pd.DataFrame, living: pd.DataFrame, settings: SearchSettings
) -> tuple[float, ...]:
    """Return one λ beyond the sparsest living point if that point is still good enough.

    It is good enough while its validation loss is less than half-way (in log) from the least one to
    that of the constant prediction. The new λ is ten times larger in the odds λ / (1 - λ), or
    half-way (in log) to a λ whose network collapsed or failed. The result is empty if the point is
    not good enough, if a run at a larger λ is pending, or if the new λ is known or has no effect.
    """
    sparsest = float(living["val_loss"].iloc[int(living["nonzeros"].argmin())])
    least = max(living["val_loss"].min(), PERFECT * settings.constant_loss)
    if sparsest >= math.sqrt(least * settings.constant_loss):
        return ()
    top = float(living["lam"].max())
    above = points[points["lam"] > top]
    if (above["status"] == PENDING).any():  # it may be the run sought
        return ()
    dead_lam = float(above["lam"].min())  # NaN if there is none
    if math.isnan(dead_lam):
        odds = 10 * top / (1 - top)
        lam = odds / (1 + odds)
    else:
        lam = math.sqrt(top * dead_lam) if top > 0 else dead_lam / 10
    lam = rounded(min(lam, LARGEST_LAM))
    known = near(lam, points["lam"].to_numpy())
    return () if known.any() or lam < DENSEST * settings.lam_ref else (lam,)
