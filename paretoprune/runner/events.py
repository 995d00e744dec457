"""Events of a sweep: its progress, its notes and its end. This module loads no torch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from paretoprune.analysis.pareto import wide_gaps
from paretoprune.search import Interval
from paretoprune.study.column import Column
from paretoprune.study.columns import COLUMNS
from paretoprune.study.plan import Plan

SWEPT = ("search", "comparison", "trunk")  # roles of the runs that a sweep trains


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Event: the progress of a fleet and of the whole sweep.

    Attributes:
        round: Number of the fleet's round.
        lams: The λ of each run of the fleet; `None` for a run of a method without one.
        step: Number of steps of the fleet that are done.
        steps: Total number of steps of the fleet.
        epochs: Total number of epochs of the fleet.
        runs_done: Runs of the whole sweep that are done, with fractions for runs in training.
        runs_total: Runs of the whole sweep.
        seconds_left: Seconds until the end of the whole sweep; infinite if unknown.
        fleets: Number of fleets in training.
        waiting: Number of fleets that wait for free resources on a node.
        nodes: Number of machines of a cluster, or 0 if there is only this machine.
        runs_an_hour: Runs that all fleets together train per hour.
        method: The method of the fleet's runs.
        role: The role of the fleet's runs.
    """

    round: int
    lams: tuple[float | None, ...]
    step: int
    steps: int
    epochs: int
    runs_done: float
    runs_total: int
    seconds_left: float
    fleets: int = 1
    waiting: int = 0
    nodes: int = 0
    runs_an_hour: float = 0.0
    method: str = ""
    role: str = "search"


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """Event: the points of a fleet are stored.

    Attributes:
        points: The table so far.
        columns: The columns of the study.
    """

    points: pd.DataFrame
    columns: Mapping[str, Column] = field(default_factory=lambda: COLUMNS)


@dataclass(frozen=True, kw_only=True)
class Note:
    """Event: a sentence for the user."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Event: the end of a sweep.

    Attributes:
        folder: The folder of the study.
        points: The table of points.
        intervals: The intervals between neighbouring λs, as the search left them.
        ending: Why the sweep ended, one of `ENDINGS`.
        max_runs: The budget of runs.
        seconds: Duration of this call.
        columns: The columns of the study.
    """

    folder: Path
    points: pd.DataFrame
    intervals: tuple[Interval, ...]
    ending: str
    max_runs: int
    seconds: float
    columns: Mapping[str, Column] = field(default_factory=lambda: COLUMNS)

    @property
    def swept(self) -> pd.DataFrame:
        """The rows of the table whose role is one of `SWEPT`."""
        return self.points[self.points["role"].isin(SWEPT)]

    @property
    def reasons(self) -> dict[str, int]:
        """Number of intervals by the reason why they are closed; open ones count as `budget`."""
        states = pd.Series([_reason(interval) for interval in self.intervals], dtype=str)
        return {str(state): int(count) for state, count in states.value_counts().items()}

    @property
    def unsuccessful(self) -> int:
        """Number of runs that failed or diverged."""
        return int(self.swept["status"].isin(["failed", "diverged"]).sum())

    @property
    def holes(self) -> list[tuple[float, float]]:
        """Pairs of λs between which the front is not known."""
        failed = [(i.lam_low, i.lam_high) for i in self.intervals if i.state == "failed"]
        return sorted({*failed, *wide_gaps(self.points, self.columns)})


Event = Plan | Note | Progress | Recorded | Summary
EventHandler = Callable[[Event], None]


def _reason(interval: Interval) -> str:
    """Return the reason why no run follows in an interval, a key of `MEANINGS` in `report`."""
    return "budget" if interval.state == "open" else interval.state


def plural(count: int, word: str) -> str:
    """Format a count with its noun, such as `1 run` or `2 runs`."""
    return f"{count} {word}{'' if count == 1 else 's'}"
