"""Snapshot of a study: its plan, its runs, and its runs averaged over seeds."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from paretoprune.analysis.aggregate import choosable, over_seeds
from paretoprune.analysis.pareto import AXES, Axes, pareto
from paretoprune.study import storage
from paretoprune.study.plan import Plan


@dataclass(frozen=True)
class StudySnapshot:
    """A study as it was when it was read.

    Attributes:
        folder: the folder of the study.
        plan: the settings, the budget and the measured values.
        points: the table, with one row for each run.
        networks: one row for all runs that differ only in their seed (see `over_seeds`).
    """

    folder: Path
    plan: Plan
    points: pd.DataFrame
    networks: pd.DataFrame

    @property
    def has_search(self) -> bool:
        """Whether the runs belong to a search, or none is recorded yet."""
        return self.points.empty or bool((self.points["role"] == "search").any())

    @property
    def front(self) -> pd.DataFrame:
        """The front of validation loss and complexity, in ascending order of the loss."""
        return self.front_on(AXES)

    def front_on(self, axes: Axes) -> pd.DataFrame:
        """Return the living networks that are nondominated in `axes`, sorted by the first axis."""
        return pareto(choosable(self.networks), axes)


def load_study(folder: Path) -> StudySnapshot:
    """Read a study.

    Raises:
        UsageError: if `folder` holds no study.
        CorruptStudyError: if a file of the study cannot be read.
    """
    plan = storage.read_plan(folder)
    points = storage.read(folder, plan.columns)
    return StudySnapshot(folder, plan, points, over_seeds(points, plan.columns))
