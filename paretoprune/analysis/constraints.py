"""ε-constraints: the smallest network that is good enough, or the best one that is small enough.

Each ε-constraint bounds one quantity. The network is chosen on the front of a loss or error and a
size, one of which is (or determines) the bounded quantity.
"""

import re
from dataclasses import dataclass

import pandas as pd

from paretoprune.analysis.pareto import Axes, pareto
from paretoprune.errors import UsageError
from paretoprune.study.columns import COLUMNS
from paretoprune.study.metric import ACCURACY, R2, SKILL
from paretoprune.study.options import choose

# Name of a metric on the command line -> metric (each is 1 - error).
METRICS = {"accuracy": ACCURACY, "r2": R2, "skill": SKILL}
# Quantity that a user may bound -> front (error or loss, size) on which the network is chosen.
AT_LEAST: dict[str, Axes] = {
    **dict.fromkeys(METRICS, ("val_error", "nonzeros")),
    "sparsity": ("val_error", "nonzeros"),
}
AT_MOST: dict[str, Axes] = {
    column.bound.partition("=")[0]: (name, "nonzeros") if column.is_quality else ("val_error", name)
    for name, column in COLUMNS.items()
    if column.bound
}
# Bounds on these are satisfied best by the smallest network, the others by the least error.
OF_METRICS = (*METRICS, *(name for name, (first, _) in AT_MOST.items() if first != "val_error"))
SLACK = 1e-9  # tolerance of the comparison: as floats, 1 - 0.07 is slightly less than 0.93


@dataclass(frozen=True)
class Constraint:
    """An ε-constraint: a bound on one quantity, which is measured on validation data.

    Attributes:
        quantity: a key of `AT_LEAST` if `is_lower`, otherwise of `AT_MOST`.
        is_lower: whether `bound` is a lower bound.
        bound: the bound, in the unit of the quantity; shares are fractions, not percentages.
    """

    quantity: str
    is_lower: bool
    bound: float

    @property
    def axes(self) -> Axes:
        """The two axes (error or loss, size) of the front on which the network is chosen."""
        return (AT_LEAST if self.is_lower else AT_MOST)[self.quantity]

    def __str__(self) -> str:
        return f"{self.quantity} {'at least' if self.is_lower else 'at most'} {self.bound:g}"


def parse_constraint(text: str, *, is_lower: bool) -> Constraint:
    """Parse the value of `--at-least` (`accuracy=0.98`) or `--at-most` (`nonzeros=2000`).

    Args:
        text: `NAME=NUMBER`; with `--at-least` the number may be a percentage (`accuracy=98%`).
        is_lower: whether `text` is the value of `--at-least`.

    Raises:
        UsageError: for an unknown quantity, a malformed number, or a lower bound above 1.
    """
    option, table = ("--at-least", AT_LEAST) if is_lower else ("--at-most", AT_MOST)
    name, _, number = (part.strip() for part in text.partition("="))
    choose(name, table, option)
    match = re.fullmatch(r"(\d*\.?\d+(?:e[+-]?\d+)?)(%?)", number, re.IGNORECASE)
    if match is None or (match[2] and name not in AT_LEAST):
        raise UsageError(f"{option} {text} is no bound: write it like {name}=NUMBER")
    bound = float(match[1]) / (100 if match[2] else 1)
    if is_lower and bound > 1:
        raise UsageError(f"{option} {text}: {name} is a fraction between 0 and 1")
    return Constraint(name, is_lower, bound)


def require_metric(constraint: Constraint, metric: str) -> None:
    """Raise `UsageError` if a constraint bounds another metric than the study measures."""
    if constraint.quantity in METRICS and METRICS[constraint.quantity] != metric:
        study_metric = next(name for name, known in METRICS.items() if known == metric)
        raise UsageError(
            f"--at-least {constraint.quantity}={constraint.bound:g} asks for what this study does "
            "not measure: "
            f"its quality is {metric}, so write {study_metric}={constraint.bound:g}"
        )


def value_of(points: pd.DataFrame, constraint: Constraint) -> pd.Series:
    """Return the values [N] of the bounded quantity, on validation data."""
    if constraint.quantity in METRICS:
        return 1 - points["val_error"]
    if constraint.quantity == "sparsity":
        return points["sparsity"]
    return points["val_loss" if constraint.quantity == "loss" else constraint.axes[1]]


def satisfy(points: pd.DataFrame, constraint: Constraint) -> int:
    """Return the label of the row that satisfies an ε-constraint best.

    A bound on the metric or the loss is satisfied best by the smallest network. A bound on a size
    or on the sparsity is satisfied best by the network with the least error.

    Args:
        points: the points to choose from; they are reduced to the front on `constraint.axes`.
        constraint: the ε-constraint.

    Raises:
        UsageError: if `points` is empty or no point satisfies the constraint.
    """
    front = pareto(points, constraint.axes)
    if front.empty:
        raise UsageError("the study has no network yet that learnt anything")
    values = value_of(front, constraint)
    satisfying = front[
        values >= constraint.bound - SLACK
        if constraint.is_lower
        else values <= constraint.bound + SLACK
    ]
    if satisfying.empty:
        nearest = values.max() if constraint.is_lower else values.min()
        raise UsageError(
            f"no network has {constraint}: the nearest has {nearest:.5g} (on validation data)"
        )
    # the front is sorted from the least error or loss to the smallest size
    return int(satisfying.index[-1 if constraint.quantity in OF_METRICS else 0])
