"""Eligibility for a comparison: which studies can be compared, and with which caveats. No torch."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from paretoprune.analysis.comparison.effort import StudyEffort
from paretoprune.analysis.snapshot import StudySnapshot
from paretoprune.errors import UsageError
from paretoprune.study.options import option_of

# Studies that differ in one of these settings train different problems.
PROBLEM = (
    *("dataset", "image_size", "validation", "model", "loss"),
    *("prunable", "exclude", "complexity"),
)
DATA = ("validation_images", "test_images", "prunable_weights")  # measured, not set by an option


def names_of(folders: Sequence[Path]) -> list[str]:
    """Return a name for each study: its folder's name if that is unique, otherwise the given path.

    Raises `UsageError` if a study is given twice.
    """
    resolved = [folder.resolve() for folder in folders]
    for folder, path in zip(folders, resolved, strict=True):
        if resolved.count(path) > 1:
            raise UsageError(f"{folder} is given twice: name each study once")
    short = [path.name for path in resolved]
    return [
        name if short.count(name) == 1 else str(folder)
        for name, folder in zip(short, folders, strict=True)
    ]


def require_one_metric(snapshots: Sequence[StudySnapshot]) -> str:
    """Return the metric that all studies share; raise `UsageError` if they differ."""
    first = snapshots[0]
    quality = first.plan.measured.quality
    for other in snapshots[1:]:
        if other.plan.measured.quality != quality:
            raise UsageError(
                f"{first.folder} and {other.folder} cannot be compared: quality is {quality} in "
                f"one and {other.plan.measured.quality} in the other, so name others"
            )
    return quality


def require_one_problem(first: StudyEffort, other: StudyEffort) -> None:
    """Raise `UsageError` if two studies train different problems."""
    a, b = asdict(first.snapshot.plan.settings), asdict(other.snapshot.plan.settings)
    differing = [f"{option_of(n)} is {a[n]} and {b[n]}" for n in PROBLEM if a[n] != b[n]]
    facts, others = asdict(first.snapshot.plan.measured), asdict(other.snapshot.plan.measured)
    differing += [
        f"{n.replace('_', ' ')} are {facts[n]:,} and {others[n]:,}"
        for n in DATA
        if facts[n] != others[n] and not differing
    ]
    if differing:
        raise UsageError(
            f"{first.name} and {other.name} are of different problems ({', '.join(differing)}): "
            "compare studies of one problem"
        )


def require_fronts(
    studies: Sequence[StudyEffort], training: Callable[[], Sequence[str]] = tuple
) -> list[StudyEffort]:
    """Return the studies that have a front.

    Args:
        studies: the studies.
        training: returns the options of `sweep` that train runs to compare the first study's front
            with.

    Raises:
        UsageError: if no study has a front, or if there is nothing to compare a single front with.
    """
    fronts = [study for study in studies if len(study.snapshot.front)]
    if not fronts:
        first = studies[0]
        if not first.snapshot.has_search:
            raise UsageError(
                f"{first.name} has no front, as it was begun with --method "
                f"{first.snapshot.plan.settings.method}: name a study of the same problem that has "
                "one too"
            )
        raise UsageError(
            f"no search run of {first.name} has learnt anything, so there is no front: go on with "
            f"{command(first)}, or begin another study with another --lr or --threshold"
        )
    if len(fronts) == 1 and not any(len(study.role("comparison")) for study in studies):
        raise UsageError(
            f"{fronts[0].name} has no runs of other methods to compare its front with: "
            f"{command(fronts[0], *training())} trains them when its search is done, or name "
            "another study that has a front"
        )
    return fronts


def command(study: StudyEffort, *options: str) -> str:
    """Return the shell command that trains more runs of a study, in backticks."""
    return f"`{shlex.join(['paretoprune', 'sweep', str(study.snapshot.folder), *options])}`"


def notes_on(studies: Sequence[StudyEffort]) -> Iterator[str]:
    """Yield the caveats that a reader should know before trusting small differences."""
    if len({study.snapshot.plan.settings.seed for study in studies}) > 1:
        yield (
            "The studies' seeds differ, and so do the images that they hold out for validation: "
            "small differences may come from these."
        )
    for study in studies:
        if study.role("search").empty and study.role("comparison").empty:
            yield f"{study.name} has no runs yet: there is nothing of it to compare."
    if studies[0].split == "test":
        yield (
            "On test data a distance is that to the best network of the front for these data: it "
            "favours the front."
        )
    runs = pd.concat([study.role(role) for study in studies for role in ("search", "comparison")])
    devices = sorted(set(runs["device"]) - {""})
    if len(devices) > 1:
        yield f"Seconds are of different devices ({', '.join(devices)}): compare epochs."
