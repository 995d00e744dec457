"""Comparison of SMGD with fronts and of studies with each other: quality and effort. No torch.

A front is chosen on validation data, whatever data the quality of its networks is measured on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import permutations

import pandas as pd

from paretoprune.analysis.aggregate import VARIANT, alive
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
    front_of,
    volume,
)
from paretoprune.analysis.comparison.eligibility import (
    names_of,
    notes_on,
    require_fronts,
    require_one_metric,
    require_one_problem,
)
from paretoprune.analysis.snapshot import StudySnapshot
from paretoprune.study.metric import SPLITS
from paretoprune.study.validation import choose

SEARCHED = ("max_runs", "tolerance", "repeats")  # how far a search went
MEASURES = (
    *("val_loss", "val_error", "test_loss", "test_error"),
    *("complexity", "l1", "nonzeros", "sparsity", "epochs", "seconds"),
)


@dataclass(frozen=True)
class Against:
    """A variant beside one front; ratios are what the whole front cost over what one run does."""

    front: str
    distances: tuple[Distance, ...]
    hypervolume_without: float
    hypervolume_with: Spread
    epochs_ratio: float | None
    seconds_ratio: float | None


@dataclass(frozen=True)
class Variant:
    """The SMGD runs of a study that differ in their seed only.

    `measures` has the table's columns, of the living `seeds`; `hypervolume` is that of one run.
    `fleet_size` is the largest: a run's seconds are its share of a fleet's.
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
    against: tuple[Against, ...]


@dataclass(frozen=True)
class Coverage:
    """One study's front beside another's (Zitzler and Thiele 1999: C(by, front) is a share)."""

    front: str
    by: str
    parts: tuple[CMetric, ...]
    hypervolume: float
    hypervolume_together: float


@dataclass(frozen=True)
class Group:
    """Studies that differ in their seed only."""

    studies: tuple[str, ...]
    hypervolume: Spread
    epochs: Spread
    seconds: Spread


@dataclass(frozen=True)
class Comparison:
    """What there is to say about some studies; `split` is the data that quality is measured on."""

    split: str
    complexity: str
    quality: str
    studies: tuple[str, ...]
    fronts: tuple[SearchEffort, ...]
    groups: tuple[Group, ...]
    coverages: tuple[Coverage, ...]
    variants: tuple[Variant, ...]
    notes: tuple[str, ...]


def compare(snapshots: Sequence[StudySnapshot], split: str = "validation") -> Comparison:
    """Compare SMGD's runs with fronts, and fronts with each other.

    `split` (`validation` or `test`) is the data that quality is measured on. Raises `UsageError`
    for another split, a study given twice, different problems, and where nothing can be compared.
    """
    choose(split, SPLITS, "--split")
    names = names_of([snapshot.folder for snapshot in snapshots])
    studies = [StudyEffort(*each, split) for each in zip(names, snapshots, strict=True)]
    require_one_metric(snapshots)
    for study in studies[1:]:
        require_one_problem(studies[0], study)
    fronts = require_fronts(studies)
    searches = {study.name: front_of(study) for study in studies if len(study.role("search"))}
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
            for name, rows in variants_in(study)
        ),
        notes=tuple(notes_on(studies)),
    )


def groups_of(studies: Sequence[StudyEffort], fronts: dict[str, SearchEffort]) -> Iterator[Group]:
    """Studies that differ in their seed and in nothing else that their search depends on."""
    kinds: dict[str, dict[int, SearchEffort]] = {}
    for study in studies:
        plan = study.snapshot.plan
        kind = {**asdict(plan.settings), "seed": None}
        kind |= {name: getattr(plan.budget, name) for name in SEARCHED}
        kinds.setdefault(repr(kind), {}).setdefault(plan.settings.seed, fronts[study.name])
    for seeds in kinds.values():
        alike = list(seeds.values())
        if len(alike) > 1:
            yield Group(
                studies=tuple(front.study for front in alike),
                hypervolume=spread(front.hypervolume for front in alike),
                epochs=spread(front.epochs for front in alike),
                seconds=spread(front.seconds for front in alike),
            )


def coverage(front: StudyEffort, by: StudyEffort) -> Coverage:
    """How much of one front another one leaves standing."""
    boxes = front.boxes(), by.boxes()
    return Coverage(
        front=front.name,
        by=by.name,
        parts=tuple(c_metric(front.front(axes), by.front(axes), axes) for axes in PAIRS),
        hypervolume=volume(boxes[0], quality=front.quality),
        hypervolume_together=volume(*boxes, quality=front.quality),
    )


def variants_in(study: StudyEffort) -> Iterator[tuple[str, pd.DataFrame]]:
    """The SMGD variants of a study by name, each with its runs in the order of their seeds."""
    runs = study.role("comparison")
    groups = [rows for _, rows in runs.groupby(list(VARIANT), dropna=False)]
    named = [(smgd_name(rows.iloc[0]), rows.sort_values("seed", kind="stable")) for rows in groups]
    yield from sorted(named, key=lambda pair: pair[0])


def variant_of(
    study: StudyEffort,
    name: str,
    runs: pd.DataFrame,
    fronts: Sequence[StudyEffort],
    costs: dict[str, SearchEffort],
) -> Variant:
    """What a variant's living seeds reach, and how far that is from fronts."""
    living = alive(runs)
    return Variant(
        study=study.name,
        name=name,
        **counts(runs),
        seeds=tuple(int(seed) for seed in living["seed"]),
        fleet_size=int(runs["fleet_size"].max()),
        measures={measure: spread(living[measure]) for measure in MEASURES},
        hypervolume=spread(volume(box[None], quality=study.quality) for box in study.boxes(living)),
        against=tuple(against(study, living, front, costs[front.name]) for front in fronts),
    )


def against(
    study: StudyEffort, runs: pd.DataFrame, front: StudyEffort, cost: SearchEffort
) -> Against:
    """The living runs of a variant beside one front."""
    boxes = front.boxes()
    return Against(
        front=front.name,
        distances=tuple(
            distance(study.places(runs, axes), front.front(axes), axes) for axes in PAIRS
        ),
        hypervolume_without=cost.hypervolume,
        hypervolume_with=spread(
            volume(boxes, box[None], quality=study.quality) for box in study.boxes(runs)
        ),
        epochs_ratio=ratio(cost.epochs, runs["epochs"].mean()),
        seconds_ratio=ratio(cost.seconds, runs["seconds"].mean()),
    )


def smgd_name(row: pd.Series) -> str:
    """How a variant of SMGD is called in answers and pictures; `row` is one of the table."""
    return f"SMGD {row['optimizer']}, {smgd_options(row)}"


def smgd_options(row: pd.Series) -> str:
    """What tells a variant from the others of its study."""
    words = [f"{row['moments']} moments", f"{row['epochs']} epochs"]
    if row["normalize"] != "none":
        words.append(f"normalized by {row['normalize']}")
    if row["split"]:
        words.append("split")
    return ", ".join(words)
