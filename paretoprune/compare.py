"""Is SMGD as good as the front, and one study as good as another, and for which price? No torch.

A front is chosen on validation data, whatever data the quality of its networks is measured on.
"""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

import pandas as pd

from paretoprune.cost import PAIRS, Front, Study, counts, front_of, volume
from paretoprune.documents import plain
from paretoprune.errors import UsageError
from paretoprune.front import SPLITS, alive
from paretoprune.gap import Covered, Distance, Spread, covered, distance, ratio, spread
from paretoprune.reading import Reading
from paretoprune.run import SMGD
from paretoprune.settings import choose, option_of

# Studies that differ in one of these are of different problems.
PROBLEM = ("dataset", "image_size", "validation", "model", "prunable", "complexity")
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
    """

    study: str
    name: str
    runs: int
    collapsed: int
    failed: int
    seeds: tuple[int, ...]
    measures: dict[str, Spread]
    hypervolume: Spread
    against: tuple[Against, ...]


@dataclass(frozen=True)
class Coverage:
    """One study's front beside another's (Zitzler and Thiele 1999: C(by, front) is a share)."""

    front: str
    by: str
    parts: tuple[Covered, ...]
    hypervolume: float
    hypervolume_by: float
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
    studies: tuple[str, ...]
    fronts: tuple[Front, ...]
    groups: tuple[Group, ...]
    coverages: tuple[Coverage, ...]
    variants: tuple[Variant, ...]
    notes: tuple[str, ...]


def compare(readings: Sequence[Reading], split: str = "validation") -> Comparison:
    """Compare SMGD's runs with fronts, and fronts with each other.

    `split` (`validation` or `test`) is the data that quality is measured on. Raises `UsageError`
    for another split, a study given twice, different problems, and where nothing can be compared.
    """
    choose(split, SPLITS, "--split")
    names = names_of([reading.folder for reading in readings])
    studies = [Study(*each, split) for each in zip(names, readings, strict=True)]
    for study in studies[1:]:
        require_one_problem(studies[0], study)
    fronts = require_fronts(studies)
    searches = {study.name: front_of(study) for study in studies if len(study.role("search"))}
    return Comparison(
        split=split,
        complexity=readings[0].plan.settings.complexity,
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


def compare_document(comparison: Comparison, picture: Path) -> dict[str, Any]:
    """The answer of `compare --json`; what is not known is null."""
    document = {"chosen_on": "validation", **asdict(comparison), "picture": str(picture)}
    return dict(plain(document))


def names_of(folders: Sequence[Path]) -> list[str]:
    """A name for each study, its folder's where that is enough; `UsageError` for one twice."""
    places = [folder.resolve() for folder in folders]
    for folder, place in zip(folders, places, strict=True):
        if places.count(place) > 1:
            raise UsageError(f"{folder} is given twice: name each study once")
    short = [place.name for place in places]
    return [
        name if short.count(name) == 1 else str(folder)
        for name, folder in zip(short, folders, strict=True)
    ]


def require_one_problem(one: Study, other: Study) -> None:
    """Raise `UsageError` where two studies are of different problems."""
    a, b = asdict(one.reading.plan.settings), asdict(other.reading.plan.settings)
    differing = [f"{option_of(n)} is {a[n]} and {b[n]}" for n in PROBLEM if a[n] != b[n]]
    if differing:
        raise UsageError(
            f"{one.name} and {other.name} are of different problems ({', '.join(differing)}): "
            "compare studies of one problem"
        )


def require_fronts(studies: Sequence[Study]) -> list[Study]:
    """The studies with a front; `UsageError` for none, and for one without anything beside it."""
    fronts = [study for study in studies if len(study.reading.front)]
    if not fronts:
        first = studies[0]
        if first.reading.plan.settings.method == SMGD:
            raise UsageError(
                f"{first.name} has no front, as it was begun with --method smgd: name a study of "
                "the same problem that has one too"
            )
        raise UsageError(
            f"no search run of {first.name} has learnt anything yet, so there is no front: go on "
            f"with {command(first)}"
        )
    if len(fronts) == 1 and not any(len(study.role("comparison")) for study in studies):
        raise UsageError(
            f"{fronts[0].name} has no SMGD runs to compare its front with: "
            f"{command(fronts[0], '--smgd', '3')} adds them, or name another study that has a front"
        )
    return fronts


def command(study: Study, *options: str) -> str:
    """What to type to train more runs of a study."""
    return f"`{shlex.join(['paretoprune', 'sweep', str(study.reading.folder), *options])}`"


def notes_on(studies: Sequence[Study]) -> Iterator[str]:
    """What a reader should know before trusting small differences."""
    if len({study.reading.plan.settings.seed for study in studies}) > 1:
        yield (
            "The studies' seeds differ, and so do the images that they hold out for validation: "
            "small differences may come from these."
        )
    for study in studies:
        if study.role("search").empty and study.role("comparison").empty:
            yield f"{study.name} has no runs yet: there is nothing of it to compare."
    runs = pd.concat([study.role(role) for study in studies for role in ("search", "comparison")])
    devices = sorted(set(runs["device"]) - {""})
    if len(devices) > 1:
        yield f"Seconds are of different devices ({', '.join(devices)}): compare epochs."


def groups_of(studies: Sequence[Study], fronts: dict[str, Front]) -> Iterator[Group]:
    """Two or more studies whose settings are equal but for the seed, over all such groups."""
    kinds: dict[str, list[Front]] = {}
    for study in studies:
        kind = {**asdict(study.reading.plan.settings), "seed": None}
        kinds.setdefault(repr(kind), []).append(fronts[study.name])
    for alike in kinds.values():
        if len(alike) > 1:
            yield Group(
                studies=tuple(front.study for front in alike),
                hypervolume=spread(front.hypervolume for front in alike),
                epochs=spread(front.epochs for front in alike),
                seconds=spread(front.seconds for front in alike),
            )


def coverage(front: Study, by: Study) -> Coverage:
    """How much of one front another one leaves standing."""
    boxes = front.boxes(), by.boxes()
    return Coverage(
        front=front.name,
        by=by.name,
        parts=tuple(covered(front.front(axes), by.front(axes), axes) for axes in PAIRS),
        hypervolume=volume(boxes[0]),
        hypervolume_by=volume(boxes[1]),
        hypervolume_together=volume(*boxes),
    )


def variants_in(study: Study) -> Iterator[tuple[str, pd.DataFrame]]:
    """The SMGD variants of a study by name, each with its runs in the order of their seeds."""
    runs = study.role("comparison")
    names = [smgd_name(run) for _, run in runs.iterrows()]
    for name in sorted(set(names)):
        yield name, runs[[name == other for other in names]].sort_values("seed", kind="stable")


def variant_of(
    study: Study, name: str, runs: pd.DataFrame, fronts: Sequence[Study], costs: dict[str, Front]
) -> Variant:
    """What a variant's living seeds reach, and how far that is from fronts."""
    living = alive(runs)
    return Variant(
        study=study.name,
        name=name,
        **counts(runs),
        seeds=tuple(int(seed) for seed in living["seed"]),
        measures={measure: spread(living[measure]) for measure in MEASURES},
        hypervolume=spread(volume(box[None]) for box in study.boxes(living)),
        against=tuple(against(study, living, front, costs[front.name]) for front in fronts),
    )


def against(study: Study, runs: pd.DataFrame, front: Study, cost: Front) -> Against:
    """The living runs of a variant beside one front."""
    boxes = front.boxes()
    return Against(
        front=front.name,
        distances=tuple(
            distance(study.places(runs, axes), front.front(axes), axes) for axes in PAIRS
        ),
        hypervolume_without=cost.hypervolume,
        hypervolume_with=spread(volume(boxes, box[None]) for box in study.boxes(runs)),
        epochs_ratio=ratio(cost.epochs, runs["epochs"].mean()),
        seconds_ratio=ratio(cost.seconds, runs["seconds"].mean()),
    )


def smgd_name(row: pd.Series) -> str:
    """How a variant of SMGD is called in tables and pictures; `row` is one of the table."""
    words = [f"SMGD {row['optimizer']}", f"{row['moments']} moments", f"{row['epochs']} epochs"]
    if row["normalize"] != "none":
        words.append(f"normalized by {row['normalize']}")
    if row["split"]:
        words.append("split")
    return ", ".join(words)
