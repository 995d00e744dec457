"""Data of one study for the figure of a front, and the note on runs that are not drawn."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from paretoprune.analysis.aggregate import CHOSEN_ROLES, alive
from paretoprune.analysis.choice import find_knee
from paretoprune.analysis.knee.axes import COUNTED, word_of
from paretoprune.analysis.snapshot import StudySnapshot
from paretoprune.report.plots.labels import Words
from paretoprune.report.plots.method_style import compared_runs
from paretoprune.runner.events import plural
from paretoprune.study.column import Column
from paretoprune.study.columns import COLUMNS
from paretoprune.study.metric import ACCURACY, SPLITS, least_error
from paretoprune.training.methods import label_of


@dataclass(frozen=True)
class Drawing:
    """One study's part of the figure of a front.

    Attributes:
        name: the study's name, empty if the figure shows one study.
        points: the study's table.
        samples: the number of samples behind an error, which sets the smallest error drawn.
        knee: the label of the knee's row in `over_seeds(points)`, if there is a knee.
        words: the labels of the figure, equal for all of its studies.
        columns: the columns of the study.
    """

    name: str
    points: pd.DataFrame
    samples: int
    knee: int | None
    words: Words = field(default_factory=Words)
    columns: Mapping[str, Column] = field(default_factory=lambda: COLUMNS)


def drawing_of(snapshot: StudySnapshot, split: str, named: bool, words: Words) -> Drawing:
    """Return a study's part of a figure.

    Args:
        snapshot: the study.
        split: the data of the values, `validation` or `test`.
        named: whether the figure shows several studies, so that it needs their names.
        words: the labels of the figure.
    """
    measured = snapshot.plan.measured
    return Drawing(
        # a dollar sign would start a formula
        name=snapshot.folder.resolve().name.replace("$", r"\$") if named else "",
        points=snapshot.points,
        samples=measured.validation_images if split == "validation" else measured.test_images,
        knee=find_knee(snapshot).network,
        words=words,
        columns=snapshot.plan.columns,
    )


def columns_of(living: pd.DataFrame, split: str, drawing: Drawing) -> pd.DataFrame:
    """Return the living points of finite loss with the columns that are drawn.

    These are `loss`, `complexity`, `error` and `size`, clipped to what a logarithmic axis can show.
    """
    prefix, words = SPLITS[split], drawing.words
    living = living[np.isfinite(living[f"{prefix}_loss"])]
    error, size = living[f"{prefix}_error"], living[words.size]
    least = least_error(drawing.samples, ACCURACY)
    return living.assign(
        loss=above_zero(living[f"{prefix}_loss"]),
        complexity=above_zero(living["complexity"]),
        error=error.clip(lower=least) if words.quality == ACCURACY else above_zero(error),
        size=size.clip(lower=1) if words.size in COUNTED else above_zero(size),
    )


def above_zero(values: pd.Series) -> pd.Series:
    """Return the values with zeros raised to a tenth of the least positive value.

    Logarithmic axes cannot show zeros.
    """
    return values.clip(lower=values[values > 0].min() / 10 if values.any() else 1.0)


def margin_note(drawing: Drawing) -> str:
    """Return the note on how many runs are not drawn and why, or an empty string."""
    chosen = drawing.points["role"].isin(CHOSEN_ROLES)
    parts = [f"{count} {word}" for word, count in not_drawn(drawing.points[chosen]).items()]
    for name, runs in compared_runs(drawing.points).groupby("method"):
        words = not_drawn(runs).items()
        parts += [f"{plural(count, f'{label_of(str(name))} run')} {word}" for word, count in words]
    size, living = drawing.words.size, alive(drawing.points)
    uncounted = int(living.loc[living["role"] != "confirmation", size].isna().sum())
    if uncounted:
        parts.append(f"{plural(uncounted, 'run')} without {word_of(size)} (right)")
    return f"not drawn{of(drawing)}: {', '.join(parts)}" if parts else ""


def not_drawn(points: pd.DataFrame) -> dict[str, int]:
    """Return the number of runs that cannot be drawn, by reason."""
    counts = {
        "collapsed": int(points["collapsed"].sum()),
        "failed": int(points["status"].isin(["failed", "diverged"]).sum()),
    }
    return {word: count for word, count in counts.items() if count}


def of(drawing: Drawing) -> str:
    """Return " of NAME" for labels in a figure of several studies, otherwise an empty string."""
    return f" of {drawing.name}" if drawing.name else ""
