"""Snapshot of a study: its plan, its runs, and one row for each network."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from paretoprune.analysis.aggregate import choosable, over_seeds
from paretoprune.analysis.pareto import AXES, Axes, pareto
from paretoprune.study import storage
from paretoprune.study.settings import Plan


@dataclass(frozen=True)
class StudySnapshot:
    """A study as it stands: every run (`points`), and one row for each lam (`networks`)."""

    folder: Path
    plan: Plan
    points: pd.DataFrame
    networks: pd.DataFrame

    @property
    def front(self) -> pd.DataFrame:
        """The nondominated networks, from the least validation loss to the smallest."""
        return self.front_on(AXES)

    def front_on(self, axes: Axes) -> pd.DataFrame:
        """The living networks that are nondominated in `axes`, sorted by the first of them."""
        return pareto(choosable(self.networks), axes)


def load_study(folder: Path) -> StudySnapshot:
    """Read a study. Raises `UsageError` without one, `CorruptStudyError` for one that is broken."""
    plan, points = storage.read_plan(folder), storage.read(folder)
    return StudySnapshot(folder, plan, points, over_seeds(points))
