"""What did a search cost, and what came out of it? No torch.

A front is chosen on validation data, whatever data the quality of its networks is measured on.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from paretoprune.analysis.choice import Reading
from paretoprune.analysis.pareto import (
    AXES,
    SPLITS,
    VARIANT,
    Axes,
    choosable,
    hypervolume,
    nondominated,
)
from paretoprune.study.metric import ACCURACY, least_error

ERROR_AXES: Axes = ("val_error", "nonzeros")
PAIRS = (AXES, ERROR_AXES)  # a quality and a size, both to be minimised


@dataclass(frozen=True)
class Stage:
    """The hypervolume of all runs recorded so far, and what they took."""

    epochs: int
    seconds: float
    hypervolume: float


@dataclass(frozen=True)
class Front:
    """A study's search; `epochs` and `seconds` are of all runs, collapsed and failed ones too.

    `networks` lie on the front of loss and complexity, `course` has a stage for each fleet.
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
    course: tuple[Stage, ...]


@dataclass(frozen=True)
class Study:
    """A study under its name, with what is read of it; places are [N, 2], both minimised."""

    name: str
    reading: Reading
    split: str

    @property
    def quality(self) -> str:
        """What 1 - error is called."""
        return self.reading.plan.measured.quality

    def role(self, role: str) -> pd.DataFrame:
        """The runs of a role, in the order in which they were recorded."""
        points = self.reading.points
        return points[points["role"] == role]

    def front(self, axes: Axes) -> np.ndarray:
        """Where the networks of the front lie: quality and size."""
        return self.places(self.reading.front_on(axes), axes)

    def places(self, rows: pd.DataFrame, axes: Axes) -> np.ndarray:
        """Where networks lie, with the quality on the chosen data."""
        quality = axes[0].replace("val", SPLITS[self.split], 1)
        places: np.ndarray = rows[[quality, axes[1]]].to_numpy(float)
        return places

    def boxes(self, rows: pd.DataFrame | None = None) -> np.ndarray:
        """Errors and nonzero shares of networks, or of the front; floors as in `front.py`."""
        rows = self.reading.front_on(ERROR_AXES) if rows is None else rows
        measured = self.reading.plan.measured
        is_test = self.split == "test"
        samples = measured.test_images if is_test else measured.validation_images
        least = least_error(samples, self.quality)
        floored = np.maximum(self.places(rows, ERROR_AXES), [least, 1])
        whole = np.column_stack([np.ones(len(rows)), rows["prunable_weights"]])
        return np.asarray(floored / whole)


def front_of(study: Study) -> Front:
    """What a study's search took, and what came out."""
    runs = study.role("search")
    return Front(
        study=study.name,
        **counts(runs),
        seeds=int(runs["seed"].nunique()),
        epochs=int(runs["epochs"].sum()),
        seconds=float(runs["seconds"].sum()),
        networks=len(study.reading.front),
        hypervolume=volume(study.boxes(), quality=study.quality),
        course=tuple(course_of(study, runs)),
    )


def counts(runs: pd.DataFrame) -> dict[str, int]:
    """How many runs there are, and how many have nothing to measure."""
    is_done = runs["status"] == "done"
    collapsed = int(runs["collapsed"].sum())
    return {"runs": len(runs), "collapsed": collapsed, "failed": int((~is_done).sum())}


def course_of(study: Study, runs: pd.DataFrame) -> Iterator[Stage]:
    """A stage for each fleet: its rows were recorded at once, and stand one after the other."""
    means = means_so_far(runs)
    places, boxes = means[list(ERROR_AXES)].to_numpy(float), study.boxes(means)  # [N, 2] each
    spent = runs[["epochs", "seconds"]].fillna(0).cumsum().to_numpy()
    latest: dict[int, int] = {}  # of each variant, its last row in `means`
    begin = 0
    for end in ends_of_fleets(runs):
        stop = int(means.index.searchsorted(end))
        latest |= zip(means["variant"].iloc[begin:stop], range(begin, stop), strict=True)
        begin, rows = stop, np.array(list(latest.values()), int)
        front = rows[nondominated(places[rows])]
        epochs, seconds = spent[end - 1]
        reached = volume(boxes[front], quality=study.quality)
        yield Stage(int(epochs), float(seconds), hypervolume=reached)


def means_so_far(runs: pd.DataFrame) -> pd.DataFrame:
    """The living rows by their place in `runs`: the means over a variant's seeds until there.

    Later seeds of a `variant` (a number) change its mean, so its last row counts.
    """
    runs = runs.reset_index(drop=True)
    living, variant = choosable(runs), runs.groupby(list(VARIANT), dropna=False).ngroup()
    columns = [*(f"{split}_error" for split in SPLITS.values()), "nonzeros"]
    groups = living[columns].astype(float).groupby(variant[living.index])
    means = groups.cumsum().div(groups.cumcount() + 1, axis=0)
    return living.assign(**{name: means[name] for name in columns}, variant=variant)


def ends_of_fleets(runs: pd.DataFrame) -> Iterator[int]:
    """How many rows there are when each fleet is recorded."""
    fleets = list(runs[["round", "started_at", "fleet_size"]].itertuples(index=False, name=None))
    size = 0
    for end, fleet in enumerate(fleets, start=1):
        size += 1
        if size == fleet[-1] or fleets[end : end + 1] != [fleet]:
            size = 0
            yield end


def volume(*boxes: np.ndarray, quality: str = ACCURACY) -> float:
    """Hypervolume of errors and nonzero shares, [N, 2] each, taken together."""
    errors, shares = np.concatenate(boxes).T
    return hypervolume(errors, shares, quality)
