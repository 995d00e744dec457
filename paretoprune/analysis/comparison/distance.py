"""Distance of networks to a front's attainment surface, and C-metric of two fronts. No torch.

All coordinates are rows of an error (or a loss) and a size, both of which are minimised.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from paretoprune.analysis.pareto import Axes


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation of a quantity over seeds.

    Attributes:
        mean: the mean, or `None` without a seed.
        sd: the sample standard deviation, or `None` with fewer than two seeds.
        n: the number of seeds with a finite value.
    """

    mean: float | None
    sd: float | None
    n: int


@dataclass(frozen=True)
class PointDistance:
    """Distance of a network to a front's attainment surface, positive where the front is better.

    Attributes:
        quality: the distance along the error (or loss); `None` if no network of the front is as
            small.
        size: the distance along the size; `None` if no network of the front is as good.
        share: `size` divided by the network's size.
        is_dominated: whether a network of the front dominates the network.
    """

    quality: float | None
    size: float | None
    share: float | None
    is_dominated: bool


@dataclass(frozen=True)
class Distance:
    """Distances of a variant's seeds to the attainment surface of a front, on one pair of axes.

    Attributes:
        axes: the columns of the error or loss and of the size.
        dominated: the number of seeds that the front dominates.
        quality: the distances along the error or loss.
        size: the distances along the size.
        share: the distances along the size, as shares of each network's size.
        each: the distance of each seed.
    """

    axes: Axes
    dominated: int
    quality: Spread
    size: Spread
    share: Spread
    each: tuple[PointDistance, ...]


@dataclass(frozen=True)
class CMetric:
    """C-metric of two fronts as a count, on one pair of axes.

    `covered` of the `networks` of one front are dominated or equalled by the other front.
    """

    axes: Axes
    covered: int
    networks: int


def distance(places: np.ndarray, front: np.ndarray, axes: Axes) -> Distance:
    """Return the distances of networks `places` [seeds, 2] to a front [N, 2]."""
    seeds = tuple(point_distance(point, front) for point in places)
    return Distance(
        axes=axes,
        dominated=sum(seed.is_dominated for seed in seeds),
        quality=spread(seed.quality for seed in seeds),
        size=spread(seed.size for seed in seeds),
        share=spread(seed.share for seed in seeds),
        each=seeds,
    )


def point_distance(point: np.ndarray, front: np.ndarray) -> PointDistance:
    """Return the distance of a network to the attainment surface (staircase) of a front.

    The distance along the first axis is that to the best network of `front` that is at most as
    large. The distance along the size is that to the smallest network that is at least as good.

    Args:
        point: the network's error (or loss) and size, of shape [2].
        front: the same of the networks of a front, of shape [N, 2].
    """
    no_worse = front <= point  # [N, 2]
    best = front[no_worse[:, 1], 0].min(initial=math.inf)
    least = front[no_worse[:, 0], 1].min(initial=math.inf)
    size = finite(float(point[1]) - float(least))
    return PointDistance(
        quality=finite(float(point[0]) - float(best)),  # as floats: NumPy warns if both are inf
        size=size,
        share=None if size is None else ratio(size, point[1]),
        is_dominated=bool((no_worse.all(axis=1) & (front < point).any(axis=1)).any()),
    )


def finite(value: float) -> float | None:
    """Return the value, or `None` if it is not finite."""
    return float(value) if math.isfinite(value) else None


def ratio(whole: float, part: float) -> float | None:
    """Return `whole / part`, or `None` if `part` is not positive or the result is not finite."""
    return finite(whole / part) if part > 0 else None


def spread(values: Iterable[float | None]) -> Spread:
    """Return the mean and the standard deviation of the finite values."""
    known = np.array([value for value in values if value is not None], float)
    known = known[np.isfinite(known)]
    mean = float(known.mean()) if len(known) else None
    return Spread(mean, float(known.std(ddof=1)) if len(known) > 1 else None, len(known))


def c_metric(front: np.ndarray, by: np.ndarray, axes: Axes) -> CMetric:
    """Count the rows of `front` [N, 2] that rows of `by` [M, 2] dominate or equal."""
    no_worse = np.all(by[None] <= front[:, None], axis=2)  # [front, by]
    return CMetric(axes, covered=int(np.any(no_worse, axis=1).sum()), networks=len(front))
