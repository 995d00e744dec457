"""Estimated gain in an interval between two neighbours on a front, and the lam to try there."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

FLOOR = 0.01  # of the sparsest living network's complexity: where an estimate stops
NARROW = 1.05  # lams closer than this factor train the same network but for noise
TINY_LOSS = 1e-9  # nats; a loss of zero has no logarithm
SLICES = 129  # of the triangle, when its area is summed up


@dataclass(frozen=True)
class Corner:
    """A point in the plane of the objectives."""

    lam: float
    loss: float
    complexity: float


def corners_of(points: pd.DataFrame) -> list[Corner]:
    """The points of a hull or a list, in its order."""
    columns = (points[name].astype(float) for name in ("lam", "train_loss", "complexity"))
    return [
        Corner(lam, max(loss, TINY_LOSS), cost) for lam, loss, cost in zip(*columns, strict=True)
    ]


def near(lam: float, others: np.ndarray) -> np.ndarray:
    """Which of the others are the same lam but for noise: [N] -> [N]."""
    close = np.maximum(lam, others) < NARROW * np.minimum(lam, others)
    return np.asarray(close | (others == lam))  # 0 is the same as 0 only


def estimated_gain(
    dense: Corner,
    sparse: Corner,
    denser: Sequence[Corner],
    sparser: Sequence[Corner],
    floor: float,
) -> float:
    """Area between the chord and the lines below it, in log10(loss) x log10(complexity).

    `denser` and `sparser` hold the next corner on either side, if there is one: the front, being
    convex, lies above the line through it and the end next to it.
    """
    if sparse.loss <= dense.loss:  # both losses are zero
        return 0.0
    losses = np.geomspace(dense.loss, sparse.loss, SLICES)
    normal = chord_normal(dense, sparse)
    lines = [
        (dense, dense.lam),
        (sparse, sparse.lam),
        *((dense, chord_normal(corner, dense)) for corner in denser),
        *((sparse, chord_normal(sparse, corner)) for corner in sparser),
    ]
    below = np.full(SLICES, max(floor, sparse.complexity))
    for end, lam in lines:
        # where noise has put the other end below a line, the line says nothing
        if lam > 0 and (lam <= normal if end is dense else lam >= normal):
            below = np.maximum(below, line(end, lam, losses))
    heights = np.log10(np.maximum(line(sparse, normal, losses), floor)) - np.log10(below)
    return max(float(np.trapezoid(heights, np.log10(losses))), 0.0)


def chord_normal(dense: Corner, sparse: Corner) -> float:
    """The lam whose weighted sum is the same at both points."""
    loss = sparse.loss - dense.loss
    return loss / (loss + dense.complexity - sparse.complexity)


def line(end: Corner, lam: float, losses: np.ndarray) -> np.ndarray:
    """Complexity at which the weighted sum of `lam` keeps the value that it has at a point."""
    return end.complexity + (1 - lam) / lam * (end.loss - losses)
