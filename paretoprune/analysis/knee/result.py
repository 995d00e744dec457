"""What every knee rule is given, and what it gives."""

from collections.abc import Sized
from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from paretoprune.analysis.knee.axes import Terms


@dataclass(frozen=True)
class Verdict:
    """The label of the chosen row of the front, or `None` and the reason why there is none."""

    index: int | None
    reason: str


class Rule(Protocol):
    """A knee rule: a function of a front, sorted by the first of `terms.axes`.

    `front` holds nondominated points in `terms.axes`, one row each, with the columns of
    `over_seeds` where runs were repeated; the verdict is a label of one of them.
    """

    def __call__(self, front: pd.DataFrame, terms: Terms) -> Verdict: ...


def too_few(places: Sized, what: str = "the front") -> Verdict | None:
    """The answer for a front, or what of it a rule looks at, with nothing between its extremes."""
    if len(places) >= 3:
        return None
    return Verdict(None, f"a knee lies between two extremes, and {what} has {len(places)} points")
