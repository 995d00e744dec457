"""What every knee rule gives."""

from dataclasses import dataclass
from typing import Protocol

import pandas as pd


@dataclass(frozen=True)
class Verdict:
    """The label of the chosen row of the front, or `None` and the reason why there is none."""

    index: int | None
    reason: str


class Rule(Protocol):
    """A knee rule: a function of a front, sorted from its least to its largest `val_loss`.

    `front` holds nondominated points in (`val_loss`, `complexity`), one row each; the verdict
    does not depend on the scale of either axis.
    """

    def __call__(self, front: pd.DataFrame) -> Verdict: ...


def too_few(front: pd.DataFrame) -> Verdict | None:
    """The answer for a front that has nothing between its extremes."""
    if len(front) >= 3:
        return None
    return Verdict(None, f"a knee lies between two extremes, and the front has {len(front)} points")
