"""Interface of the searches: their settings, their result, and the function's signature.

The searches themselves are one file each in this folder; `runner/rounds.py` asks them.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

import pandas as pd

from paretoprune.study.metric import ACCURACY

PENDING = "pending"  # status of a row that is still in training and has no estimated values

IntervalState = Literal["open", "converged", "noise", "narrow", "outside", "overfit", "failed"]


@dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """Everything that a search knows besides the points; all of it is stored in `study.toml`.

    Attributes:
        lam_ref: the scale of the odds λ / (1 - λ).
        round_size: the largest number of λs in a proposal.
        tolerance: the acquisition value below which an interval is converged.
        max_runs: the largest number of λs of the study.
        constant_loss: the validation loss (nats) of the best constant prediction.
        validation_images: the number of validation samples.
        seed: the study's seed, for searches that draw.
        recipe: `paper` for the authors' literal constants, which are not multiples of `lam_ref`.
        metric: the name of the metric, which is 1 - error.
    """

    lam_ref: float
    round_size: int
    tolerance: float
    max_runs: int
    constant_loss: float
    validation_images: int
    seed: int = 0
    recipe: str = "own"
    metric: str = ACCURACY


@dataclass(frozen=True, kw_only=True)
class Interval:
    """The interval between two neighbouring supported points.

    Attributes:
        lam_low: the λ of the denser point.
        lam_high: the λ of the sparser point.
        gain: the acquisition value of a run in between (an estimate, never a bound).
        lam: the λ of that run.
        state: `open`, or the reason why there will be no run.
    """

    lam_low: float
    lam_high: float
    gain: float
    lam: float
    state: IntervalState


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """The λs of the next round, best first, and all intervals; without a λ the search is done."""

    lams: tuple[float, ...]
    intervals: tuple[Interval, ...] = ()


class Search(Protocol):
    """A search: a pure function of the points, which does not depend on the order of the rows.

    `points` holds `search` rows of the table, one for each λ (means over its seeds).
    """

    def __call__(self, points: pd.DataFrame, settings: SearchSettings) -> Proposal: ...


def rounded(lam: float) -> float:
    """Return `lam` rounded to 6 significant digits, so that run ids are stable."""
    return float(f"{lam:.6g}")
