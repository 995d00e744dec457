"""Effort of a search: the epochs and seconds it took and the hypervolume it reached. No torch.

A front is always chosen on validation data, even if its networks are evaluated on test data.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from paretoprune.analysis.aggregate import choosable, variant_columns
from paretoprune.analysis.indicators import hypervolume
from paretoprune.analysis.pareto import AXES, Axes, nondominated
from paretoprune.analysis.snapshot import StudySnapshot
from paretoprune.study.metric import ACCURACY, SPLITS, least_error

ERROR_AXES: Axes = ("val_error", "nonzeros")
PAIRS = (AXES, ERROR_AXES)  # error or loss, and size; both are minimised


@dataclass(frozen=True)
class TracePoint:
    """A trace point of the anytime hypervolume: the effort spent so far and what it reached.

    Attributes:
        epochs: the epochs of all runs recorded so far.
        seconds: the seconds of all runs recorded so far.
        hypervolume: the hypervolume of the front of these runs, in [0, 1].
    """

    epochs: int
    seconds: float
    hypervolume: float


@dataclass(frozen=True)
class SearchEffort:
    """The effort of a study's search and the front that came out of it.

    Attributes:
        study: the name of the study.
        runs: the number of search runs, of which `collapsed` collapsed and `failed` are not done.
        seeds: the number of different seeds.
        epochs: the epochs of all search runs, including collapsed and failed ones, and of the runs
            from which they start.
        seconds: the seconds of the same runs.
        networks: the number of networks on the front of loss and complexity.
        hypervolume: the hypervolume of the front of error and nonzeros, in [0, 1].
        course: the anytime hypervolume, with one trace point per fleet.
    """

    study: str
    runs: int
    collapsed: int
    failed: int
    seeds: int
    epochs: int
    seconds: float
    networks: int
    hypervolume: float
    course: tuple[TracePoint, ...]


@dataclass(frozen=True)
class StudyEffort:
    """A study with its name and the data (`split`) on which its networks are evaluated.

    The methods return coordinates as arrays of shape [N, 2]; both columns are minimised.
    """

    name: str
    snapshot: StudySnapshot
    split: str

    @property
    def quality(self) -> str:
        """The name of the study's metric, which is 1 - error."""
        return self.snapshot.plan.measured.quality

    def role(self, role: str) -> pd.DataFrame:
        """Return the runs of a role, in the order in which they were recorded."""
        points = self.snapshot.points
        return points[points["role"] == role]

    def front(self, axes: Axes) -> np.ndarray:
        """Return the coordinates [N, 2] of the front on `axes` (error or loss, size)."""
        return self.coordinates(self.snapshot.front_on(axes), axes)

    def coordinates(self, rows: pd.DataFrame, axes: Axes) -> np.ndarray:
        """Return the coordinates [N, 2] of networks, evaluated on the data of `split`."""
        quality = axes[0].replace("val", SPLITS[self.split], 1)
        values: np.ndarray = rows[[quality, axes[1]]].to_numpy(float)
        return values

    def boxes(self, rows: pd.DataFrame | None = None) -> np.ndarray:
        """Return the errors and nonzero shares [N, 2] of `rows`, or of the front if that is `None`.

        Both are clipped from below as in `hypervolume_of`: by `least_error` and by one weight.
        """
        rows = self.snapshot.front_on(ERROR_AXES) if rows is None else rows
        measured = self.snapshot.plan.measured
        is_test = self.split == "test"
        samples = measured.test_images if is_test else measured.validation_images
        least = least_error(samples, self.quality)
        floored = np.maximum(self.coordinates(rows, ERROR_AXES), [least, 1])
        whole = np.column_stack([np.ones(len(rows)), rows["prunable_weights"]])
        return np.asarray(floored / whole)


def search_effort(study: StudyEffort) -> SearchEffort:
    """Return the effort of a study's search and the front that it found."""
    runs = study.role("search")
    spent = with_ancestors(runs, study.snapshot.points)
    return SearchEffort(
        study=study.name,
        **counts(runs),
        seeds=int(runs["seed"].nunique()),
        epochs=int(spent["epochs"].sum()),
        seconds=float(spent["seconds"].sum()),
        networks=len(study.snapshot.front),
        hypervolume=volume(study.boxes(), metric=study.quality),
        course=tuple(trace_of(study, runs)),
    )


def with_ancestors(runs: pd.DataFrame, points: pd.DataFrame) -> pd.DataFrame:
    """Return runs with those from which they start, and those from which these start, each once."""
    known = runs
    while True:
        wanted = set(known["parent"].dropna()) - set(known["run_id"])
        more = points[points["run_id"].isin(wanted)]
        if more.empty:
            return known
        known = pd.concat([known, more])


def effort_of_each(runs: pd.DataFrame, points: pd.DataFrame) -> pd.DataFrame:
    """Return the epochs and seconds of each run, those of the runs from which it starts included.

    The rows of `runs` belong to the table `points`.
    """
    rows = [with_ancestors(runs.loc[[label]], points) for label in runs.index]
    sums = [(each["epochs"].sum(), each["seconds"].sum(min_count=1)) for each in rows]
    return pd.DataFrame(sums, runs.index, columns=["epochs", "seconds"], dtype=float)


def counts(runs: pd.DataFrame) -> dict[str, int]:
    """Return the numbers of all runs, of collapsed ones and of those that are not done."""
    is_done = runs["status"] == "done"
    collapsed = int(runs["collapsed"].sum())
    return {"runs": len(runs), "collapsed": collapsed, "failed": int((~is_done).sum())}


def trace_of(study: StudyEffort, runs: pd.DataFrame) -> Iterator[TracePoint]:
    """Yield the anytime hypervolume of a study's runs: one trace point for each fleet.

    `runs` are rows in the order in which they were recorded. The rows of a fleet were recorded at
    the same time, so they are adjacent.
    """
    means = means_over_time(runs, variant_columns(study.snapshot.plan.columns))
    values, boxes = means[list(ERROR_AXES)].to_numpy(float), study.boxes(means)  # [N, 2] each
    everything = with_ancestors(runs, study.snapshot.points)
    before = everything.drop(runs.index)[["epochs", "seconds"]].fillna(0).sum().to_numpy()
    spent = runs[["epochs", "seconds"]].fillna(0).cumsum().to_numpy() + before
    latest: dict[int, int] = {}  # variant -> its last row in `means`
    begin = 0
    for end in ends_of_fleets(runs):
        stop = int(means.index.searchsorted(end))
        latest |= zip(means["variant"].iloc[begin:stop], range(begin, stop), strict=True)
        begin, rows = stop, np.array(list(latest.values()), int)
        front = rows[nondominated(values[rows])]
        epochs, seconds = spent[end - 1]
        reached = volume(boxes[front], metric=study.quality)
        yield TracePoint(int(epochs), float(seconds), hypervolume=reached)


def means_over_time(runs: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return the living rows of `runs` with the means over the seeds recorded up to each row.

    The index is the position in `runs`, and the column `variant` holds a number. A later seed
    changes the mean of its variant, so the last row of each variant counts. `names` are the
    columns that distinguish variants.
    """
    runs = runs.reset_index(drop=True)
    living = choosable(runs)
    variant = runs.groupby(list(names), dropna=False).ngroup()
    columns = [*(f"{split}_error" for split in SPLITS.values()), "nonzeros"]
    groups = living[columns].astype(float).groupby(variant[living.index])
    means = groups.cumsum().div(groups.cumcount() + 1, axis=0)
    return living.assign(**{name: means[name] for name in columns}, variant=variant)


def ends_of_fleets(runs: pd.DataFrame) -> Iterator[int]:
    """Yield the number of rows that are recorded when each fleet ends."""
    fleets = list(runs[["round", "started_at", "fleet_size"]].itertuples(index=False, name=None))
    size = 0
    for end, fleet in enumerate(fleets, start=1):
        size += 1
        if size == fleet[-1] or fleets[end : end + 1] != [fleet]:
            size = 0
            yield end


def volume(*boxes: np.ndarray, metric: str = ACCURACY) -> float:
    """Return the hypervolume in [0, 1] of the union of `boxes`.

    Each array holds errors and nonzero shares and has the shape [N, 2]. `quality` is the metric,
    which selects the reference point (see `analysis.indicators.hypervolume`).
    """
    errors, shares = np.concatenate(boxes).T
    return hypervolume(errors, shares, metric)
