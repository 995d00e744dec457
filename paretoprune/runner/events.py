"""Events of a sweep: its progress and its end, also in words; no torch."""

import math
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from paretoprune.analysis.pareto import choosable, wide_gaps
from paretoprune.search import Interval
from paretoprune.study.settings import Plan

MEANINGS = {
    "converged": "gain under --tolerance",
    "noise": "tried, nothing better",
    "narrow": "nothing new in between",
    "outside": "leads out of the range of λ",
    "overfit": "denser than the best on validation data",
    "failed": "the training there failed",
    "budget": "still promising",
}
SWEPT = ("search", "comparison")  # roles of the runs that a sweep trains
ENDINGS = {
    "done": "the search is done",
    "compared": "all runs of SMGD are trained",
    "budget": "--max-runs is reached",
    "time": "the next round would exceed --time-budget",
    "kept": "the next epoch would exceed --time-budget; the fleet in training is kept",
    "failed": "a run failed or diverged, and --fail-fast ends the sweep there",
}


GOES_ON = ("budget", "time", "kept", "failed")  # endings after which there is more to train


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Event: the progress of a fleet and of the whole sweep.

    Attributes:
        round: Number of the fleet's round.
        lams: The λ of each run of the fleet; `None` for a run of SMGD.
        step: Steps of the fleet that are done.
        steps: Steps of the fleet in all.
        epochs: Epochs of the fleet in all.
        runs_done: Runs of the whole sweep that are done, with fractions for runs in training.
        runs_total: Runs of the whole sweep.
        seconds_left: Seconds until the end of the whole sweep; infinite if unknown.
        fleets: Fleets in training.
        waiting: Fleets that wait for a place on one of the nodes.
        nodes: Number of machines of a cluster, or 0 if there is only this machine.
        runs_an_hour: Runs that all fleets together train per hour.
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


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """Event: the points of a fleet are stored; `points` is the table so far."""

    points: pd.DataFrame


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
    """

    folder: Path
    points: pd.DataFrame
    intervals: tuple[Interval, ...]
    ending: str
    max_runs: int
    seconds: float

    @property
    def swept(self) -> pd.DataFrame:
        """The runs of search and comparison, without confirmations."""
        return self.points[self.points["role"].isin(SWEPT)]

    @property
    def reasons(self) -> dict[str, int]:
        """Number of intervals by the reason why they closed; open ones count as `budget`."""
        states = pd.Series([_reason(interval) for interval in self.intervals], dtype=str)
        return {str(state): int(count) for state, count in states.value_counts().items()}

    @property
    def unsuccessful(self) -> int:
        """Number of runs that failed or diverged."""
        return int(self.swept["status"].isin(["failed", "diverged"]).sum())

    @property
    def holes(self) -> list[tuple[float, float]]:
        """Pairs of neighbouring λs between which the front is not known."""
        failed = [(i.lam_low, i.lam_high) for i in self.intervals if i.state == "failed"]
        return sorted({*failed, *wide_gaps(self.points)})


Event = Plan | Note | Progress | Recorded | Summary
Watch = Callable[[Event], None]


def _reason(interval: Interval) -> str:
    return "budget" if interval.state == "open" else interval.state


def plural(count: int, word: str) -> str:
    """Format a count with its noun, such as `1 run` or `2 runs`."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def duration(seconds: float) -> str:
    """Format seconds as a duration, such as `4 min`."""
    if not math.isfinite(seconds):
        return "?"
    if seconds < 1:
        return "under 1 s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def closing(summary: Summary) -> str:
    """Describe how a sweep ended, and what it leaves open."""
    took, points = duration(summary.seconds), summary.swept
    smgd = int((points["role"] == "comparison").sum())
    of_smgd = f", {smgd} of them SMGD" if 0 < smgd < len(points) else ""
    count = f"{plural(len(points), 'run')}{of_smgd}"
    lines = [f"{count}; {ENDINGS[summary.ending]} ({took} this time)."]
    collapsed = int(points["collapsed"].sum())
    if collapsed:
        lines.append(f"{collapsed} collapsed: no better than a constant prediction.")
    if len(points) and collapsed == (points["status"] == "done").sum():
        zero = ", not even at λ = 0" if smgd < len(points) else ""
        lines.append(f"Nothing learnt{zero}: try another --lr or --threshold.")
    if summary.unsuccessful:
        lines.append(f"{summary.unsuccessful} failed or diverged: `show --all` says why.")
    if summary.reasons:
        counts = (f"{n} {reason} ({MEANINGS[reason]})" for reason, n in summary.reasons.items())
        lines.append(f"Intervals between neighbours: {', '.join(counts)}.")
    for low, high in summary.holes:
        lines.append(f"Hole: the front is not known between λ = {low:.3g} and λ = {high:.3g}.")
    return "\n".join(lines)


def onward(summary: Summary, place: Sequence[str]) -> list[str]:
    """Return the commands to type next; `place` are options that a sweep needs on this machine."""
    folder = str(summary.folder)
    roles = set(summary.points["role"])
    commands = [["knee", folder]] if "search" in roles else []
    commands += [["show", folder, "--all"]] if roles else []
    if "comparison" in roles and len(choosable(summary.points)):
        commands += [["compare", folder]]
    if summary.ending in GOES_ON:
        runs = max(summary.max_runs, summary.points["lam"].nunique())
        more = [f"--max-runs={2 * runs}"] if summary.ending == "budget" else []
        commands.append(["sweep", folder, *more, *place])
    return [shlex.join(["paretoprune", *command]) for command in commands]
