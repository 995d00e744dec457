"""The default search: where a training promises most, and twice as eagerly at the knee.

Points are corners of the lower convex hull of (train_loss, complexity). Between two neighbours
the unknown front lies in a triangle: under their chord, and above the line at each end on which
the end's own weighted sum is constant. The area of that triangle, seen on logarithmic axes, is
the estimated gain of training in between, and the chord's normal is the weight that looks there
(the dichotomic step of Aneja and Nair, 1979; arXiv 2008.13590, section 3).

A training of finite length often ends short of its weighted sum's optimum, so that the other end
beats an end in the end's own weighted sum. Then its line says nothing; what the corners beyond
say by convexity is used instead (docs/decisions/0002).
"""

import math
from itertools import pairwise

import numpy as np
import pandas as pd

from paretoprune.analysis.knee.axes import Terms
from paretoprune.analysis.knee.chord import chord
from paretoprune.analysis.knee.one_se import one_se
from paretoprune.analysis.pareto import alive, pareto, supported
from paretoprune.search.grid import LARGEST_LAM, grid_lams, spread
from paretoprune.search.interval_gain import (
    FLOOR,
    Corner,
    chord_normal,
    corners_of,
    estimated_gain,
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

PERFECT = 1e-4  # of the constant prediction's loss: less is no better
DENSEST = 1e-4  # times lam_ref: below it the complexity has no say


def knee(points: pd.DataFrame, settings: SearchSettings) -> Proposal:
    """Propose first a grid of the round's size, then the intervals of largest estimated gain."""
    if points.empty:
        first = grid_lams(settings.round_size, settings.lam_ref)
        return Proposal(lams=tuple(spread(first, [], len(first))))
    points = points.sort_values("lam", kind="stable")
    living = alive(points)
    if living.empty:  # not even lam = 0 lives: no weight will help
        return Proposal(lams=())
    intervals = examine(points, living, settings)
    eager = sorted(
        (interval for interval in intervals if interval.state == "open"),
        key=lambda interval: (-interval.gain, interval.lam),
    )
    lams = dict.fromkeys((*reach(points, living, settings), *(interval.lam for interval in eager)))
    return Proposal(lams=tuple(lams)[: settings.round_size], intervals=intervals)


def examine(
    points: pd.DataFrame, living: pd.DataFrame, settings: SearchSettings
) -> tuple[Interval, ...]:
    """Estimate each interval between neighbouring supported points, and close what is done."""
    hull = supported(living, ("train_loss", "complexity"))
    corners = corners_of(hull)
    floor = FLOOR * float(living["complexity"].min())
    densest = useful_complexity(living, settings)
    front = pareto(living)
    at_knee = chord(front, Terms()).index
    knee_lam = None if at_knee is None else float(front.at[at_knee, "lam"])
    lams, failed = points["lam"].to_numpy(), (points["status"] != "done").to_numpy()
    intervals = []
    for i, (dense, sparse) in enumerate(pairwise(corners)):
        gain = estimated_gain(
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
    """The complexity beyond which more brings neither less validation loss nor fewer errors.

    That of the network of least validation loss, or of the sparsest within one standard error of
    the least validation error, whichever is larger: an overfitting network may have the larger
    loss and the fewer errors.
    """
    terms = Terms(
        ("val_error", "nonzeros"),
        samples=settings.validation_images,
        quality=settings.quality,
        constant_loss=settings.constant_loss,
    )
    best = [living["val_loss"].idxmin(), one_se(pareto(living, terms.axes), terms).index]
    return float(living.loc[best, "complexity"].max())


def close(
    lams: np.ndarray,
    failed: np.ndarray,
    dense: Corner,
    sparse: Corner,
    gain: float,
    lam: float,
    tolerance: float,
) -> IntervalState:
    """Say why an interval closes, or `open`; `lams` were trained, and some `failed`: [N] each."""
    tried = near(lam, lams)
    if failed[tried].any():
        return "failed"
    if np.isin(lams[tried], [dense.lam, sparse.lam]).any():
        return "narrow"
    if gain <= 0 or tried.any():  # trained already, and above the chord
        return "noise"
    return "converged" if gain < tolerance else "open"


def next_lam(dense: Corner, sparse: Corner, lam_ref: float) -> float:
    """The chord's normal, or a mean of the neighbours' lams where it is none of their business."""
    lam = chord_normal(dense, sparse)
    low, high = sorted((dense.lam, sparse.lam))
    if not low < lam < high or near(lam, np.array([low, high])).any():
        lam = math.sqrt(low * high) if low > 0 else high / 10
    return rounded(min(max(lam, DENSEST * lam_ref), LARGEST_LAM))


def reach(
    points: pd.DataFrame, living: pd.DataFrame, settings: SearchSettings
) -> tuple[float, ...]:
    """One lam beyond the sparsest living point, as long as that is nearer to the best than to none.

    Its validation loss is then less than half-way (in log) from the least to the constant
    prediction's. A decade further in the odds lam / (1 - lam); half-way (in log) to a lam that
    killed a network.
    """
    sparsest = living.loc[living["nonzeros"].idxmin(), "val_loss"]
    least = max(living["val_loss"].min(), PERFECT * settings.constant_loss)
    if sparsest >= math.sqrt(least * settings.constant_loss):
        return ()
    top = float(living["lam"].max())
    above = points[points["lam"] > top]
    if (above["status"] == PENDING).any():  # it may be that one
        return ()
    deadly = float(above["lam"].min())  # NaN where none is
    if math.isnan(deadly):
        odds = 10 * top / (1 - top)
        lam = odds / (1 + odds)
    else:
        lam = math.sqrt(top * deadly) if top > 0 else deadly / 10
    lam = rounded(min(lam, LARGEST_LAM))
    known = near(lam, points["lam"].to_numpy())
    return () if known.any() or lam < DENSEST * settings.lam_ref else (lam,)
