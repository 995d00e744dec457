"""How far does a network lie behind a front, and how much of a front behind another? No torch.

All places are rows of quality and size, both to be minimised.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from paretoprune.analysis.pareto import Axes


@dataclass(frozen=True)
class Spread:
    """The mean over `n` seeds, `None` for none; their standard deviation, `None` for one."""

    mean: float | None
    sd: float | None
    n: int


@dataclass(frozen=True)
class Gap:
    """How far a network lies behind a front along each axis: positive where the front is better.

    `None` beyond that end of the front. `share` is `size` as a part of the network's own.
    """

    quality: float | None
    size: float | None
    share: float | None
    is_dominated: bool


@dataclass(frozen=True)
class Distance:
    """The gaps of a variant's seeds (`each`) on a pair of axes; `dominated` of them are."""

    axes: Axes
    dominated: int
    quality: Spread
    size: Spread
    share: Spread
    each: tuple[Gap, ...]


@dataclass(frozen=True)
class Covered:
    """How many `networks` of a front, on a pair of axes, another front dominates or equals."""

    axes: Axes
    covered: int
    networks: int


def distance(places: np.ndarray, front: np.ndarray, axes: Axes) -> Distance:
    """The gaps between networks, a row of `places` for each seed, and a front."""
    each = tuple(gap(place, front) for place in places)
    return Distance(
        axes=axes,
        dominated=sum(one.is_dominated for one in each),
        quality=spread(one.quality for one in each),
        size=spread(one.size for one in each),
        share=spread(one.share for one in each),
        each=each,
    )


def gap(place: np.ndarray, front: np.ndarray) -> Gap:
    """How far a network at `place` (quality, size) lies behind the staircase of `front` [N, 2].

    Along quality: behind the best network of `front` that is at most as large. Along size: behind
    the smallest one that is at least as good.
    """
    no_worse = front <= place  # [N, 2]
    best = front[no_worse[:, 1], 0].min(initial=math.inf)
    least = front[no_worse[:, 0], 1].min(initial=math.inf)
    size = finite(float(place[1]) - float(least))
    return Gap(
        quality=finite(float(place[0]) - float(best)),  # NumPy warns where both are infinite
        size=size,
        share=None if size is None else ratio(size, place[1]),
        is_dominated=bool((no_worse.all(axis=1) & (front < place).any(axis=1)).any()),
    )


def finite(value: float) -> float | None:
    """The value, or `None` for what is not a number."""
    return float(value) if math.isfinite(value) else None


def ratio(whole: float, part: float) -> float | None:
    """How many times as much; `None` where there is nothing to compare with."""
    return finite(whole / part) if part > 0 else None


def spread(values: Iterable[float | None]) -> Spread:
    """Mean and standard deviation of what is known."""
    known = np.array([value for value in values if value is not None], float)
    known = known[np.isfinite(known)]
    mean = float(known.mean()) if len(known) else None
    return Spread(mean, float(known.std(ddof=1)) if len(known) > 1 else None, len(known))


def covered(front: np.ndarray, by: np.ndarray, axes: Axes) -> Covered:
    """Count what `by` dominates or equals of `front`; both are of shape [N, 2]."""
    no_worse = np.all(by[None] <= front[:, None], axis=2)  # [front, by]
    return Covered(axes, covered=int(np.any(no_worse, axis=1).sum()), networks=len(front))
