"""On what a knee rule looks: two axes, their scale, and what the smallest values count as."""

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

from paretoprune.analysis.pareto import AXES, Axes, pareto
from paretoprune.study.metric import ACCURACY, least_error

QUALITY_OF = {"loss": "val_loss", "error": "val_error"}
SIZE_OF = {
    "complexity": "complexity",
    "nonzeros": "nonzeros",
    "flops": "flops",
    "neurons": "neurons",
    "parameters": "compact_parameters",
}
COUNTED = ("nonzeros", "flops", "neurons", "compact_parameters")  # in whole numbers
USUAL = ("loss,complexity", "loss,nonzeros", "error,nonzeros")
EVERY = {
    f"{quality},{size}": (QUALITY_OF[quality], SIZE_OF[size])
    for quality, size in product(QUALITY_OF, SIZE_OF)
}
WHOLE_OF = {"flops": "dense_flops", "compact_parameters": "parameters"}  # nothing pruned
WORDS = {"flops": "FLOPs", "compact_parameters": "parameters"}
# What `--axes` offers, the usual ones first.
AXES_OF: dict[str, Axes] = {name: EVERY[name] for name in (*USUAL, *EVERY)}
SCALES = ("log", "linear")
EVEN = 1e-9  # of the box: differences below are rounding


@dataclass(frozen=True)
class Terms:
    """Two columns to be minimised, whether in their logarithms, and what is known of the problem.

    `samples` is the number of validation images, which matters for errors and losses only (0: not
    known), `constant_loss` the validation loss of the best constant prediction, `quality` the name
    of 1 - error.
    """

    axes: Axes = AXES
    is_log: bool = True
    samples: int = 0
    constant_loss: float = math.inf
    quality: str = ACCURACY

    @property
    def scale(self) -> str:
        """The word for the scale, as in `SCALES`."""
        return "log" if self.is_log else "linear"


def word_of(column: str) -> str:
    """How an axis is said."""
    return WORDS.get(column, column.removeprefix("val_"))


def floor_of(
    column: str, samples: int, quality: str = ACCURACY, constant_loss: float = 1.0
) -> float:
    """What a value counts as at least: half an image, one weight, or hardly anything.

    A loss counts as an error does: less says that so few images cannot tell. Where errors are
    shares of `constant_loss`, it has the unit of that.
    """
    if column == "val_error" or (column == "val_loss" and samples):
        unit = constant_loss if column == "val_loss" and quality != ACCURACY else 1.0
        return least_error(samples, quality) * unit
    return 1.0 if column in COUNTED else 1e-300


def distinct(front: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """The distinct places of a front, from extreme to extreme, in the terms' scale."""
    columns = list(terms.axes)
    values = front[columns].astype(float)
    if terms.is_log:
        known = (terms.samples, terms.quality, terms.constant_loss)
        floors = pd.Series({name: floor_of(name, *known) for name in columns})
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
