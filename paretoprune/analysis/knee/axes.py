"""Axes of the knee rules: which two columns, on which scale, and the floors of their values."""

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

from paretoprune.analysis.pareto import AXES, Axes, in_order
from paretoprune.study.columns import COLUMNS, quality_axes, size_axes
from paretoprune.study.metric import ACCURACY, least_error

ERROR_OF, SIZE_OF = quality_axes(), size_axes()  # name on `--axes` -> column
COUNTED = tuple(name for name in SIZE_OF.values() if COLUMNS[name].is_count)
USUAL = ("loss,complexity", "loss,nonzeros", "error,nonzeros")
EVERY = {
    f"{quality},{size}": (ERROR_OF[quality], SIZE_OF[size])
    for quality, size in product(ERROR_OF, SIZE_OF)
}
# The choices of `--axes`, the usual ones first.
AXES_OF: dict[str, Axes] = {name: EVERY[name] for name in (*USUAL, *EVERY)}
SCALES = ("log", "linear")
TIE = 1e-9  # share of the box: smaller differences are rounding


@dataclass(frozen=True)
class AxesSpec:
    """The two columns that a knee rule minimises, their scale, and facts about the problem.

    Attributes:
        axes: the columns of the loss or error and of the size.
        is_log: whether the rule looks at the logarithms of both columns.
        samples: the number of validation samples, which sets the floor of errors and losses
            (0: unknown).
        constant_loss: the validation loss of the best constant prediction.
        metric: the name of the metric, which is 1 - error.
    """

    axes: Axes = AXES
    is_log: bool = True
    samples: int = 0
    constant_loss: float = math.inf
    metric: str = ACCURACY

    @property
    def scale(self) -> str:
        """The name of the scale, as in `SCALES`."""
        return "log" if self.is_log else "linear"


def word_of(column: str) -> str:
    """Return the name of a column for messages and labels."""
    return COLUMNS[column].word or column


def floor_of(
    column: str, samples: int, metric: str = ACCURACY, constant_loss: float = 1.0
) -> float:
    """Return the smallest value that a column can resolve: half a sample, one weight, or almost 0.

    A loss has the same floor as an error, because so few samples cannot resolve less. If the metric
    is not accuracy, errors are shares of `constant_loss`, and the floor of a loss is multiplied by
    it.

    Args:
        column: the name of the column.
        samples: the number of validation samples; with 0 a loss has almost no floor.
        metric: the name of the metric, which is 1 - error.
        constant_loss: the validation loss of the best constant prediction.
    """
    if column == "val_error" or (column == "val_loss" and samples):
        unit = constant_loss if column == "val_loss" and metric != ACCURACY else 1.0
        return least_error(samples, metric) * unit
    return 1.0 if column in COUNTED else 1e-300


def distinct(front: pd.DataFrame, spec: AxesSpec) -> pd.DataFrame:
    """Return the distinct points of a front, from extreme to extreme.

    The result has the labels of the front and the columns of `spec.axes`, with values on the scale
    of `spec` (log10 if `is_log`).
    """
    columns = list(spec.axes)
    values = front[columns].to_numpy(float)
    if spec.is_log:
        facts = (spec.samples, spec.metric, spec.constant_loss)
        values = np.log10(np.maximum(values, [floor_of(name, *facts) for name in columns]))
    # the floor makes values equal, so that some points become dominated
    chosen = in_order(values, front["run_id"])
    is_new = np.append(True, (np.diff(values[chosen], axis=0) != 0).any(axis=1))
    kept = chosen[is_new[: len(chosen)]]
    return pd.DataFrame(values[kept], front.index[kept], columns)


def scaled_points(front: pd.DataFrame, spec: AxesSpec) -> tuple[pd.Index, np.ndarray]:
    """Return the labels [N] and the scaled values [N, 2] of the distinct points of a front.

    The points run from extreme to extreme. Their values on the scale of `spec` are mapped to the
    unit box, so that the extremes are (0, 1) and (1, 0); a single point is not scaled.
    """
    front = distinct(front, spec)
    unit = front[list(spec.axes)].to_numpy(float)
    if len(unit) > 1:
        unit = (unit - unit.min(axis=0)) / np.ptp(unit, axis=0)
    return front.index, unit
