"""Interface of the knee rules: the function's signature and its result."""

from collections.abc import Sized
from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from paretoprune.analysis.knee.axes import AxesSpec


@dataclass(frozen=True)
class KneeResult:
    """Result of a knee rule: the label of the chosen row or `None`, and the reason."""

    index: int | None
    reason: str


class Rule(Protocol):
    """A knee rule: a function that chooses one row of a front.

    `front` holds the points that are nondominated in `spec.axes`, one row each, sorted by the
    first of these axes. It has the columns of `over_seeds` if runs were repeated. The result
    holds the label of one of its rows, or `None`.
    """

    def __call__(self, front: pd.DataFrame, spec: AxesSpec) -> KneeResult: ...


def too_few(points: Sized, name: str = "the front") -> KneeResult | None:
    """Return the result for a front of fewer than three points, otherwise `None`.

    `name` is the name of these points in the reason.
    """
    if len(points) >= 3:
        return None
    return KneeResult(
        None, f"a knee lies between two extremes, and {name} has {len(points)} points"
    )
