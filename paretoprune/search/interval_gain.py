"""Acquisition value of an interval: the estimated hypervolume gain between two neighbours."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

FLOOR = 0.01  # share of the sparsest living network's complexity: estimates stop here
NARROW = 1.05  # λs closer than this factor train the same network apart from noise
TINY_LOSS = 1e-9  # nats; a loss of zero has no logarithm
SLICES = 129  # points of the trapezoidal rule for an interval's area


@dataclass(frozen=True)
class Corner:
    """A point in the plane of the objectives, with its λ; `loss` is the training loss."""

    lam: float
    loss: float
    complexity: float


def corners_of(points: pd.DataFrame) -> list[Corner]:
    """Return the points as corners, in the order of the rows; losses are at least `TINY_LOSS`."""
    columns = (points[name].astype(float) for name in ("lam", "train_loss", "complexity"))
    return [
        Corner(lam, max(loss, TINY_LOSS), cost) for lam, loss, cost in zip(*columns, strict=True)
    ]


def near(lam: float, others: np.ndarray) -> np.ndarray:
    """Return which of `others` [N] equal `lam` apart from noise, as booleans [N]."""
    close = np.maximum(lam, others) < NARROW * np.minimum(lam, others)
    return np.asarray(close | (others == lam))  # 0 equals only 0


def acquisition_value(
    dense: Corner,
    sparse: Corner,
    denser: Sequence[Corner],
    sparser: Sequence[Corner],
    floor: float,
) -> float:
    """Return the acquisition value of the interval between two neighbouring corners.

    It is the area between the chord and the lines below it, in log10(loss) x log10(complexity).
    On the line of an end the end's weighted sum is constant. The front is convex, so it also lies
    above the line through the next corner on either side and the end next to it.

    Args:
        dense: the end of smaller loss.
        sparse: the end of smaller complexity.
        denser: the next corner beyond `dense`, or nothing.
        sparser: the next corner beyond `sparse`, or nothing.
        floor: the complexity below which no area counts.
    """
    if sparse.loss <= dense.loss:  # both losses are `TINY_LOSS`
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
        # a line is invalid if noise has put the other end below it
        if lam > 0 and (lam <= normal if end is dense else lam >= normal):
            below = np.maximum(below, line(end, lam, losses))
    heights = np.log10(np.maximum(line(sparse, normal, losses), floor)) - np.log10(below)
    return max(float(np.trapezoid(heights, np.log10(losses))), 0.0)


def chord_normal(dense: Corner, sparse: Corner) -> float:
    """Return the λ whose weighted sum is the same at both points."""
    loss = sparse.loss - dense.loss
    return loss / (loss + dense.complexity - sparse.complexity)


def line(end: Corner, lam: float, losses: np.ndarray) -> np.ndarray:
    """Return the complexities at which the weighted sum of `lam` equals that at `end`.

    `losses` and the result have the shape [N]; `lam` is positive.
    """
    return end.complexity + (1 - lam) / lam * (end.loss - losses)
