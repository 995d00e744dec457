"""The parts of a study that the picture of a front shows, and those that have no place there."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from paretoprune.analysis.choice import Reading, find_knee
from paretoprune.analysis.knee.axes import COUNTED, word_of
from paretoprune.analysis.pareto import CHOSEN_ROLES, SPLITS, alive
from paretoprune.report.plots.labels import Words
from paretoprune.report.plots.method_style import smgd_runs
from paretoprune.runner.events import plural
from paretoprune.study.metric import ACCURACY, least_error


@dataclass(frozen=True)
class Drawing:
    """One study's part of a picture.

    `samples` is the number of images behind an error (none counts as less than half of one),
    `knee` the label of the knee's row in `over_seeds(points)`. All of a picture have the same
    `words`.
    """

    name: str
    points: pd.DataFrame
    samples: int
    knee: int | None
    words: Words = field(default_factory=Words)


def drawing_of(reading: Reading, split: str, named: bool, words: Words) -> Drawing:
    """What of a study is drawn."""
    measured = reading.plan.measured
    return Drawing(
        # a dollar sign would begin a formula
        name=reading.folder.resolve().name.replace("$", r"\$") if named else "",
        points=reading.points,
        samples=measured.validation_images if split == "validation" else measured.test_images,
        knee=find_knee(reading).network,
        words=words,
    )


def columns_of(living: pd.DataFrame, split: str, drawing: Drawing) -> pd.DataFrame:
    """Living points of finite loss, with what is drawn as `loss`, `complexity`, `error`, `size`."""
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
    """Zeros stand at a tenth of the least other value: logarithmic axes have no place for them."""
    return values.clip(lower=values[values > 0].min() / 10 if values.any() else 1.0)


def margin_note(drawing: Drawing) -> str:
    """How many runs are not drawn, and why."""
    chosen = drawing.points["role"].isin(CHOSEN_ROLES)
    parts = [f"{count} {word}" for word, count in not_drawn(drawing.points[chosen]).items()]
    for word, count in not_drawn(smgd_runs(drawing.points)).items():
        parts.append(f"{count} SMGD {'run' if count == 1 else 'runs'} {word}")
    size, living = drawing.words.size, alive(drawing.points)
    uncounted = int(living.loc[living["role"] != "confirmation", size].isna().sum())
    if uncounted:
        parts.append(f"{plural(uncounted, 'run')} without {word_of(size)} (right)")
    return f"not drawn{of(drawing)}: {', '.join(parts)}" if parts else ""


def not_drawn(points: pd.DataFrame) -> dict[str, int]:
    """How many of these runs have no place in the picture, by the reason."""
    counts = {
        "collapsed": int(points["collapsed"].sum()),
        "failed": int(points["status"].isin(["failed", "diverged"]).sum()),
    }
    return {word: count for word, count in counts.items() if count}


def of(drawing: Drawing) -> str:
    """The study's name behind a legend's word, where there are several."""
    return f" of {drawing.name}" if drawing.name else ""
