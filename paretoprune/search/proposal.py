"""What every search takes and gives."""

from dataclasses import dataclass
from typing import Literal, Protocol

import pandas as pd

from paretoprune.study.metric import ACCURACY

PENDING = "pending"  # the status of a row whose training goes on, and of which nothing is believed

IntervalState = Literal["open", "converged", "noise", "narrow", "outside", "overfit", "failed"]


@dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """What a search may know besides the points: all of it is in `study.toml`.

    `constant_loss` is the validation loss (nats) of the best constant prediction; `seed` is the
    study's, for searches that draw; the recipe `paper` asks for the authors' literal
    constants, which are no multiples of `lam_ref`; `quality` is what 1 - error is called.
    """

    lam_ref: float
    round_size: int
    tolerance: float
    max_runs: int
    constant_loss: float
    validation_images: int
    seed: int = 0
    recipe: str = "own"
    quality: str = ACCURACY


@dataclass(frozen=True, kw_only=True)
class Interval:
    """The stretch between two neighbouring supported points, `lam_low` the denser one's lam.

    `gain` is the estimated gain of a training in between (an estimate, never a bound), `lam` the
    weight that it would have, `state` why there will be none, or `open`.
    """

    lam_low: float
    lam_high: float
    gain: float
    lam: float
    state: IntervalState


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """The lams of the next round, best first (empty: the search is done), and all intervals."""

    lams: tuple[float, ...]
    intervals: tuple[Interval, ...] = ()


class Search(Protocol):
    """A pure function of the points of complete rounds; the order of the rows does not matter.

    `points` holds `search` rows of the table, one for each lam (means over its seeds).
    """

    def __call__(self, points: pd.DataFrame, settings: SearchSettings) -> Proposal: ...


def rounded(lam: float) -> float:
    """To 6 significant digits, so that ids of runs are stable."""
    return float(f"{lam:.6g}")
