"""The picture of the trainings: what each run reached after which epoch."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from paretoprune.front import CHOSEN_ROLES
from paretoprune.plot.single import only_study
from paretoprune.plot.style import (
    GREY,
    LEGEND_LINE,
    NOTE,
    WIDTH,
    add_bar,
    add_grid,
    colour_of,
    label_accuracy,
    label_roundly,
    say_nothing,
    scale_of,
)
from paretoprune.reading import Reading
from paretoprune.store import read_history

HEIGHT = 2.6  # inches
COLUMNS = 4  # of the legend
DASHES: tuple[Any, ...] = ("--", ":", "-.", (0, (6, 1, 1, 1, 1, 1)))


class Course(NamedTuple):
    """One run's history, with what its line looks like.

    `word` is why its network cannot be chosen (`collapsed` or a status), if so; `other` names a
    run of another role or length than the study's own.
    """

    epochs: pd.DataFrame
    lam: float
    word: str
    other: str


def history(readings: Sequence[Reading], split: str) -> Figure:
    """Draw validation loss, accuracy and nonzeros of all runs over the epochs."""
    reading = only_study(readings, split, "history")
    courses, without = courses_of(reading)
    note = note_of(without)
    if not courses:
        sentence = f"no run has a history\n{note}".strip()
        return say_nothing(Figure(figsize=(WIDTH, HEIGHT), layout="constrained"), sentence)
    others = list(dict.fromkeys(course.other for course in courses if course.other))
    handles = legend_of(courses, others)
    lines = -(-len(handles) // COLUMNS)
    figure = Figure(figsize=(WIDTH, HEIGHT + LEGEND_LINE * lines), layout="constrained")
    panels = figure.subplots(1, 3)
    lams = pd.Series([course.lam for course in courses if not course.word], dtype=float)
    scale = scale_of(lams)
    for course in courses:
        draw_course(panels, course, scale, others, reading.plan.measured.validation_images)
    finish(panels)
    add_bar(figure, panels[2], lams, scale)
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=COLUMNS, frameon=False)
    panels[0].set_title(note, fontsize=6.5, color=NOTE, loc="left")
    return figure


def courses_of(reading: Reading) -> tuple[list[Course], pd.Series]:
    """The histories of all runs that have one, and the statuses of those that have none."""
    points = reading.points.sort_values(["lam", "seed"], kind="stable")
    usual = reading.plan.settings.epochs
    courses, without = [], []
    for row in points.itertuples():
        epochs = read_history(reading.folder, str(row.run_id))
        if epochs is None:
            without.append(row.status)
            continue
        is_own = row.role in CHOSEN_ROLES and row.epochs == usual
        role = "" if row.role in CHOSEN_ROLES else f"{row.role}, "
        courses.append(
            Course(
                epochs,
                float(row.lam),
                word="collapsed" if row.collapsed else "" if row.status == "done" else row.status,
                other="" if is_own else f"{role}{row.epochs} epochs",
            )
        )
    return courses, pd.Series(without, dtype=str)


def note_of(without: pd.Series) -> str:
    """How many runs are not drawn, by their status."""
    counts = [f"{count} {status}" for status, count in without.value_counts().items()]
    return f"without a history: {', '.join(counts)}" if counts else ""


def draw_course(
    panels: Sequence[Axes], course: Course, scale: LogNorm, others: list[str], samples: int
) -> None:
    """One run's line in each panel; a run of a single epoch is a point."""
    floors = {"val_loss": 0.0, "val_error": 1 / (2 * samples), "nonzeros": 1.0}
    for axes, (column, floor) in zip(panels, floors.items(), strict=True):
        axes.plot(
            course.epochs["epoch"],
            course.epochs[column].clip(lower=floor),
            color=GREY if course.word else colour_of(course.lam, scale),
            linestyle=line_of(course, others),
            linewidth=0.9,
            marker="o" if len(course.epochs) == 1 else "",
            markersize=3,
            zorder=1 if course.word else 2,
        )


def line_of(course: Course, others: list[str]) -> Any:
    """How a run's line is broken: solid for the study's own runs."""
    return DASHES[others.index(course.other) % len(DASHES)] if course.other else "-"


def legend_of(courses: Sequence[Course], others: list[str]) -> list[Line2D]:
    """What broken and grey lines are; nothing where all lines are solid and coloured."""
    words = sorted({course.word for course in courses if course.word})
    dashed = {course.other: line_of(course, others) for course in courses if course.other}
    handles = [Line2D([], [], color="0.3", linestyle=line, label=o) for o, line in dashed.items()]
    grey = [Line2D([], [], color=GREY, label=", ".join(words))] if words else []
    own = [Line2D([], [], color="0.3", label="the study's runs")] if handles else []
    return [*own, *handles, *grey]


def finish(panels: Sequence[Axes]) -> None:
    """Scales and labels."""
    loss, accuracy, nonzeros = panels
    for axes in panels:
        axes.set(yscale="log", xlabel="epoch")
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
        add_grid(axes)
    loss.set_ylabel("cross-entropy (nats, validation)")
    accuracy.set_ylabel("accuracy (validation)")
    nonzeros.set_ylabel("nonzero prunable weights")
    label_roundly(loss.yaxis)
    label_roundly(nonzeros.yaxis)
    label_accuracy(accuracy)
