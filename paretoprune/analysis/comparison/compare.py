"""Comparison of methods with fronts, and of studies with each other, in quality and effort.

A front is always chosen on validation data, even if its networks are evaluated on test data.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import permutations

import pandas as pd

from paretoprune.analysis.aggregate import alive
from paretoprune.analysis.comparison.distance import (
    CMetric,
    Distance,
    Spread,
    c_metric,
    distance,
    ratio,
    spread,
)
from paretoprune.analysis.comparison.effort import (
    PAIRS,
    SearchEffort,
    StudyEffort,
    counts,
    effort_of_each,
    search_effort,
    volume,
)
from paretoprune.analysis.comparison.eligibility import (
    names_of,
    notes_on,
    require_fronts,
    require_one_metric,
    require_one_problem,
)
from paretoprune.analysis.comparison.variants import variants_in
from paretoprune.analysis.snapshot import StudySnapshot
from paretoprune.study.metric import SPLITS
from paretoprune.study.options import choose

SEARCHED = ("max_runs", "tolerance", "repeats")  # the options that limit a search
MEASURES = (
    *("val_loss", "val_error", "test_loss", "test_error"),
    *("complexity", "l1", "nonzeros", "sparsity", "epochs", "seconds"),
)


@dataclass(frozen=True)
class FrontComparison:
    """The comparison of a method's variant with one front.

    Attributes:
        front: the name of the front's study.
        distances: the distances of the variant's living seeds to the front, for each of `PAIRS`.
        hypervolume_without: the hypervolume of the front alone, in [0, 1].
        hypervolume_with: the hypervolume of the front and one living seed together.
        epochs_ratio: the epochs of the whole search, divided by those of one run.
        seconds_ratio: the seconds of the whole search, divided by those of one run.
    """

    front: str
    distances: tuple[Distance, ...]
    hypervolume_without: float
    hypervolume_with: Spread
    epochs_ratio: float | None
    seconds_ratio: float | None


@dataclass(frozen=True)
class Variant:
    """The comparison runs of a study that differ only in their seed.

    Attributes:
        study: the name of the study.
        name: the name of the variant (see `variant_name`).
        runs: the number of runs, of which `collapsed` collapsed and `failed` are not done.
        seeds: the seeds of the living runs.
        fleet_size: the largest fleet of the runs, among which its seconds are divided.
        measures: for each of `MEASURES` the spread of that column over the living seeds; epochs and
            seconds include those of the runs from which they start.
        hypervolume: the hypervolume, in [0, 1], of each living seed alone.
        against: the comparison with each front.
    """

    study: str
    name: str
    runs: int
    collapsed: int
    failed: int
    seeds: tuple[int, ...]
    fleet_size: int
    measures: dict[str, Spread]
    hypervolume: Spread
    against: tuple[FrontComparison, ...]


@dataclass(frozen=True)
class Coverage:
    """How far one study's front covers another's.

    The C-metric is that of Zitzler and Thiele (1999): C(by, front) is the share of `front` that
    `by` dominates or equals.

    Attributes:
        front: the name of the study whose front is covered.
        by: the name of the study whose front covers it.
        parts: the C-metric C(by, front) as a count, for each of `PAIRS`.
        hypervolume: the hypervolume of `front`, in [0, 1].
        hypervolume_together: the hypervolume of both fronts together.
    """

    front: str
    by: str
    parts: tuple[CMetric, ...]
    hypervolume: float
    hypervolume_together: float


@dataclass(frozen=True)
class Group:
    """Studies that differ only in their seed.

    Attributes:
        studies: the names of the studies.
        hypervolume: the hypervolume of each front, in [0, 1].
        epochs: the epochs of each search.
        seconds: the seconds of each search.
    """

    studies: tuple[str, ...]
    hypervolume: Spread
    epochs: Spread
    seconds: Spread


@dataclass(frozen=True)
class Comparison:
    """The result of a comparison of studies.

    Attributes:
        split: the data on which networks are evaluated, `validation` or `test`.
        complexity: the name of the complexity.
        quality: the name of the metric, which is 1 - error.
        studies: the names of the studies.
        fronts: the effort and the front of each search.
        groups: the groups of studies that differ only in their seed.
        coverages: the coverage of each front by each other front.
        variants: the variants of methods, each compared with one or more fronts.
        notes: caveats for the reader.
    """

    split: str
    complexity: str
    quality: str
    studies: tuple[str, ...]
    fronts: tuple[SearchEffort, ...]
    groups: tuple[Group, ...]
    coverages: tuple[Coverage, ...]
    variants: tuple[Variant, ...]
    notes: tuple[str, ...]


def compare(
    snapshots: Sequence[StudySnapshot],
    split: str = "validation",
    label_of: Callable[[str], str] = str,
    training: Callable[[], Sequence[str]] = tuple,
) -> Comparison:
    """Compare the runs of other methods with fronts, and fronts with each other.

    A variant is compared with the front of its study, or with all fronts if its study has none.

    Args:
        snapshots: the studies.
        split: the data on which networks are evaluated, `validation` or `test`.
        label_of: returns how texts name a method.
        training: returns the options of `sweep` that train runs to compare the first study's front
            with.

    Raises:
        UsageError: for another split, for a study that is given twice, for studies of different
            metrics or problems, and if there is nothing to compare.
    """
    choose(split, SPLITS, "--split")
    names = names_of([snapshot.folder for snapshot in snapshots])
    studies = [StudyEffort(*each, split) for each in zip(names, snapshots, strict=True)]
    require_one_metric(snapshots)
    for study in studies[1:]:
        require_one_problem(studies[0], study)
    fronts = require_fronts(studies, training)
    searches = {study.name: search_effort(study) for study in studies if len(study.role("search"))}
    return Comparison(
        split=split,
        complexity=snapshots[0].plan.settings.complexity,
        quality=studies[0].quality,
        studies=tuple(names),
        fronts=tuple(searches.values()),
        groups=tuple(groups_of(fronts, searches)),
        coverages=tuple(coverage(front, by) for front, by in permutations(fronts, 2)),
        variants=tuple(
            variant_of(study, name, rows, [study] if study in fronts else fronts, searches)
            for study in studies
            for name, rows in variants_in(study, label_of)
        ),
        notes=tuple(notes_on(studies)),
    )


def groups_of(studies: Sequence[StudyEffort], fronts: dict[str, SearchEffort]) -> Iterator[Group]:
    """Yield the groups of studies that differ only in their seed.

    `SEARCHED` must be equal too. Of several studies with the same seed only the first counts.
    """
    kinds: dict[str, dict[int, SearchEffort]] = {}
    for study in studies:
        plan = study.snapshot.plan
        kind = {**asdict(plan.settings), "seed": None}
        kind |= {name: getattr(plan.budget, name) for name in SEARCHED}
        kinds.setdefault(repr(kind), {}).setdefault(plan.settings.seed, fronts[study.name])
    for seeds in kinds.values():
        group = list(seeds.values())
        if len(group) > 1:
            yield Group(
                studies=tuple(front.study for front in group),
                hypervolume=spread(front.hypervolume for front in group),
                epochs=spread(front.epochs for front in group),
                seconds=spread(front.seconds for front in group),
            )


def coverage(front: StudyEffort, by: StudyEffort) -> Coverage:
    """Return how far the front of the study `by` covers that of the study `front`."""
    boxes = front.boxes(), by.boxes()
    return Coverage(
        front=front.name,
        by=by.name,
        parts=tuple(c_metric(front.front(axes), by.front(axes), axes) for axes in PAIRS),
        hypervolume=volume(boxes[0], metric=front.quality),
        hypervolume_together=volume(*boxes, metric=front.quality),
    )


def variant_of(
    study: StudyEffort,
    name: str,
    runs: pd.DataFrame,
    fronts: Sequence[StudyEffort],
    efforts: dict[str, SearchEffort],
) -> Variant:
    """Return a variant with the results of its living seeds and its comparison with each front.

    `runs` are the variant's rows, `fronts` the studies with whose fronts it is compared, and
    `efforts` the efforts of all searches by the name of their study.
    """
    living = alive(runs)
    spent = effort_of_each(living, study.snapshot.points)
    measured = living.assign(epochs=spent["epochs"], seconds=spent["seconds"])
    return Variant(
        study=study.name,
        name=name,
        **counts(runs),
        seeds=tuple(int(seed) for seed in living["seed"]),
        fleet_size=int(runs["fleet_size"].max()),
        measures={measure: spread(measured[measure]) for measure in MEASURES},
        hypervolume=spread(volume(box[None], metric=study.quality) for box in study.boxes(living)),
        against=tuple(against(study, measured, front, efforts[front.name]) for front in fronts),
    )


def against(
    study: StudyEffort, runs: pd.DataFrame, front: StudyEffort, effort: SearchEffort
) -> FrontComparison:
    """Return the comparison of a variant's living `runs` with the front of one study.

    The epochs and seconds of `runs` include those of the runs from which they start.
    """
    boxes = front.boxes()
    return FrontComparison(
        front=front.name,
        distances=tuple(
            distance(study.coordinates(runs, axes), front.front(axes), axes) for axes in PAIRS
        ),
        hypervolume_without=effort.hypervolume,
        hypervolume_with=spread(
            volume(boxes, box[None], metric=study.quality) for box in study.boxes(runs)
        ),
        epochs_ratio=ratio(effort.epochs, runs["epochs"].mean()),
        seconds_ratio=ratio(effort.seconds, runs["seconds"].mean()),
    )
