"""On what a knee rule looks: two axes, their scale, and what the smallest values count as."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from paretoprune.front import AXES, Axes, pareto

# What `--axes` offers.
AXES_OF: dict[str, Axes] = {
    "loss,complexity": AXES,
    "loss,nonzeros": ("val_loss", "nonzeros"),
    "error,nonzeros": ("val_error", "nonzeros"),
}
SCALES = ("log", "linear")
EVEN = 1e-9  # of the box: differences below are rounding


@dataclass(frozen=True)
class Terms:
    """Two columns to be minimised, whether in their logarithms, and what is known of the problem.

    `samples` is the number of validation images, which matters for errors and losses only (0: not
    known),
    `constant_loss` the validation loss (nats) of the best constant prediction.
    """

    axes: Axes = AXES
    is_log: bool = True
    samples: int = 0
    constant_loss: float = math.inf

    @property
    def scale(self) -> str:
        """The word for the scale, as in `SCALES`."""
        return "log" if self.is_log else "linear"


def floor_of(column: str, samples: int) -> float:
    """What a value counts as at least: half an image, one weight, or hardly anything.

    A loss counts as an error does: less says that so few images cannot tell.
    """
    if column == "val_error" or (column == "val_loss" and samples):
        return 1 / (2 * samples)
    return 1.0 if column == "nonzeros" else 1e-300


def distinct(front: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """The distinct places of a front, from extreme to extreme, in the terms' scale."""
    columns = list(terms.axes)
    values = front[columns].astype(float)
    if terms.is_log:
        floors = pd.Series({name: floor_of(name, terms.samples) for name in columns})
        values = np.log10(values.clip(lower=floors, axis=1))
    # values that the floor makes equal may dominate others
    return pareto(front.assign(**values), terms.axes).drop_duplicates(columns)


def places(front: pd.DataFrame, terms: Terms) -> tuple[pd.Index, np.ndarray]:
    """Labels [N] and values [N, 2] of the distinct places of a front, from extreme to extreme.

    In the unit box of the terms' scale: the extremes are (0, 1) and (1, 0).
    """
    front = distinct(front, terms)
    unit = front[list(terms.axes)].to_numpy(float)
    if len(unit) > 1:
        unit = (unit - unit.min(axis=0)) / np.ptp(unit, axis=0)
    return front.index, unit
