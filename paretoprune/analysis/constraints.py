"""Not a knee but a wish: the smallest network that is good enough, the best that is small enough.

Each wish is fulfilled on the front of a quality and a size; the bound is on one of the two.
"""

import re
from dataclasses import dataclass

import pandas as pd

from paretoprune.analysis.pareto import Axes, pareto
from paretoprune.errors import UsageError
from paretoprune.study.metric import ACCURACY, R2, SKILL
from paretoprune.study.settings import choose

# How a user writes the names of 1 - error.
QUALITIES = {"accuracy": ACCURACY, "r2": R2, "skill": SKILL}
# What a user may bound -> the front (quality, size) on which the rest is chosen.
AT_LEAST: dict[str, Axes] = {
    **dict.fromkeys(QUALITIES, ("val_error", "nonzeros")),
    "sparsity": ("val_error", "nonzeros"),
}
AT_MOST: dict[str, Axes] = {
    "nonzeros": ("val_error", "nonzeros"),
    "flops": ("val_error", "flops"),
    "neurons": ("val_error", "neurons"),
    "parameters": ("val_error", "compact_parameters"),
    "l1": ("val_error", "l1"),
    "loss": ("val_loss", "nonzeros"),
}
OF_QUALITY = (*QUALITIES, "loss")
SLACK = 1e-9  # 1 - 0.07 is a little less than 0.93


@dataclass(frozen=True)
class Wish:
    """A bound on one quantity: at least (`is_lower`) or at most `bound`, on validation data."""

    quantity: str
    is_lower: bool
    bound: float

    @property
    def axes(self) -> Axes:
        """The front on which the wish is fulfilled: its quality and its size."""
        return (AT_LEAST if self.is_lower else AT_MOST)[self.quantity]

    def __str__(self) -> str:
        return f"{self.quantity} {'at least' if self.is_lower else 'at most'} {self.bound:g}"


def parse_wish(text: str, *, is_lower: bool) -> Wish:
    """Read the value of `--at-least` (`accuracy=0.98`) or `--at-most` (`nonzeros=2000`)."""
    option, table = ("--at-least", AT_LEAST) if is_lower else ("--at-most", AT_MOST)
    name, _, number = (part.strip() for part in text.partition("="))
    choose(name, table, option)
    match = re.fullmatch(r"(\d*\.?\d+(?:e[+-]?\d+)?)(%?)", number, re.IGNORECASE)
    if match is None or (match[2] and name not in AT_LEAST):
        raise UsageError(f"{option} {text} is no bound: write it like {name}=NUMBER")
    bound = float(match[1]) / (100 if match[2] else 1)
    if is_lower and bound > 1:
        raise UsageError(f"{option} {text}: {name} is a fraction between 0 and 1")
    return Wish(name, is_lower, bound)


def require_quality(wish: Wish, quality: str) -> None:
    """Raise `UsageError` where a wish is of another quality than a study's."""
    if wish.quantity in QUALITIES and QUALITIES[wish.quantity] != quality:
        own = next(name for name, known in QUALITIES.items() if known == quality)
        raise UsageError(
            f"--at-least {wish.quantity}={wish.bound:g} asks for what this study does not measure: "
            f"its quality is {quality}, so write {own}={wish.bound:g}"
        )


def value_of(points: pd.DataFrame, wish: Wish) -> pd.Series:
    """The quantity that a user bounds, on validation data."""
    if wish.quantity in QUALITIES:
        return 1 - points["val_error"]
    if wish.quantity == "sparsity":
        return points["sparsity"]
    return points["val_loss" if wish.quantity == "loss" else wish.axes[1]]


def fulfil(points: pd.DataFrame, wish: Wish) -> int:
    """Label of the row that fulfils a wish best; raise `UsageError` where none does."""
    front = pareto(points, wish.axes)
    if front.empty:
        raise UsageError("the study has no network yet that learnt anything")
    values = value_of(front, wish)
    good = front[values >= wish.bound - SLACK if wish.is_lower else values <= wish.bound + SLACK]
    if good.empty:
        nearest = values.max() if wish.is_lower else values.min()
        raise UsageError(
            f"no network has {wish}: the nearest has {nearest:.5g} (on validation data)"
        )
    # the front is sorted from the best quality to the smallest size
    return int(good.index[-1 if wish.quantity in OF_QUALITY else 0])
