"""Figure of the training histories: loss, metric and nonzeros of each run over its epochs."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from paretoprune.analysis.aggregate import CHOSEN_ROLES
from paretoprune.analysis.snapshot import StudySnapshot
from paretoprune.report.plots.labels import Words, words_of
from paretoprune.report.plots.method_style import COLOUR, compared_runs, marked
from paretoprune.report.plots.single_study import only_study
from paretoprune.report.plots.style import (
    GREY,
    LEGEND_LINE,
    NOTE,
    WIDTH,
    add_bar,
    add_grid,
    colour_of,
    label_accuracy,
    label_roundly,
    legend_columns,
    say_nothing,
    scale_of,
)
from paretoprune.study.metric import ACCURACY, least_error
from paretoprune.study.plan import Measured
from paretoprune.study.storage import read_history
from paretoprune.training.methods import METHODS

HEIGHT = 2.6  # inches, of one row of panels
MOST_COLUMNS = 4  # of the legend
DASHES: tuple[Any, ...] = ("--", ":", "-.", (0, (6, 1, 1, 1, 1, 1)))
FIRST_WEIGHT = {"complexity_weight": ""}  # column of a history that every method fills
LINES: tuple[Any, ...] = ("-", "--", ":", "-.")  # of the weights of a method's second objectives
CONSTANT = "λ of the study's runs, warmed up"
THIN: dict[str, Any] = {"linewidth": 0.5, "alpha": 0.6}


class Course(NamedTuple):
    """One run's history, with what determines the look of its line.

    Attributes:
        epochs: the history, a row per epoch.
        lam: the run's λ (NaN if it has none).
        word: why the network cannot be chosen (`collapsed` or a status), otherwise empty.
        other: the label of a run of another role or length than most, otherwise empty.
        variant: the name of a comparison run's variant, otherwise empty.
        number: the position of the variant among the study's variants.
        method: the name of the run's method.
    """

    epochs: pd.DataFrame
    lam: float
    word: str
    other: str
    variant: str = ""
    number: int = 0
    method: str = ""


def history(snapshots: Sequence[StudySnapshot], split: str) -> Figure:
    """Draw validation loss, metric and nonzeros of all runs over the epochs of one study.

    If there are comparison runs, a fourth panel shows the weight of the complexity. Raises
    `UsageError` for several studies or another split than `validation`, and `CorruptStudyError` for
    a history that cannot be read.
    """
    snapshot = only_study(snapshots, split, "history")
    courses, without = courses_of(snapshot)
    note = note_of(without)
    if not courses:
        sentence = f"no run has a history\n{note}".strip()
        return say_nothing(Figure(figsize=(WIDTH, HEIGHT), layout="constrained"), sentence)
    others = list(dict.fromkeys(course.other for course in courses if course.other))
    handles = legend_of(courses, others)
    columns = legend_columns([str(handle.get_label()) for handle in handles], MOST_COLUMNS)
    rows = 2 if any(c.variant and drawn_weights(c) for c in courses) else 1
    height = HEIGHT * rows + LEGEND_LINE * -(-len(handles) // columns)
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    grid = figure.subplots(rows, 4 - rows, squeeze=False)  # 1 x 3 or 2 x 2
    panels = list(grid.flat)
    lams = pd.Series([course.lam for course in courses if not course.word], dtype=float)
    scale = scale_of(lams)
    for course in courses:
        draw_course(panels[:3], course, scale, others, snapshot.plan.measured)
    finish(panels[:3], words_of([snapshot]))
    if rows == 2:
        weight_panel(panels[3], courses, scale)
    add_bar(figure, list(grid[:, -1]), lams, scale)
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False)
    panels[0].set_title(note, fontsize=6.5, color=NOTE, loc="left")
    return figure


def courses_of(snapshot: StudySnapshot) -> tuple[list[Course], pd.Series]:
    """Return the histories of all runs that have one, and the statuses of those without."""
    points = snapshot.points.sort_values(["lam", "seed"], kind="stable")
    variants = compared_runs(points)["variant"]
    numbers = {name: number for number, name in enumerate(variants.unique())}
    courses, without = [], []
    for label, row in points.iterrows():
        epochs, status = read_history(snapshot.folder, row["run_id"]), str(row["status"])
        if epochs is None:
            without.append(status)
            continue
        variant = str(variants.get(label, ""))
        courses.append(
            Course(
                epochs,
                float(row["lam"]),
                word="collapsed" if row["collapsed"] else "" if status == "done" else status,
                other="" if variant else other_of(row, snapshot.plan.settings.epochs),
                variant=variant,
                number=numbers.get(variant, 0),
                method=str(row["method"]),
            )
        )
    return courses, pd.Series(without, dtype=str)


def other_of(row: pd.Series, usual: int) -> str:
    """Return what distinguishes a run from the study's search runs, which have `usual` epochs.

    The result is empty if nothing does.
    """
    epochs = f"{row['epochs']} epochs"
    if row["role"] in CHOSEN_ROLES:
        return "" if row["epochs"] == usual else epochs
    return f"{row['role']}, {epochs}"


def note_of(without: pd.Series) -> str:
    """Return the note on how many runs are not drawn, by status, or an empty string."""
    counts = [f"{count} {status}" for status, count in without.value_counts().items()]
    return f"without a history: {', '.join(counts)}" if counts else ""


def draw_course(
    panels: Sequence[Axes], course: Course, scale: LogNorm, others: list[str], measured: Measured
) -> None:
    """Draw one run's line in each panel; a run of a single epoch is a point."""
    is_share = measured.quality == ACCURACY
    least = least_error(measured.validation_images, ACCURACY) if is_share else 0.0
    floors = {"val_loss": 0.0, "val_error": least, "nonzeros": 1.0}
    for axes, (column, floor) in zip(panels, floors.items(), strict=True):
        axes.plot(
            course.epochs["epoch"],
            course.epochs[column].clip(lower=floor),
            color=colour_in(course, scale),
            linestyle=line_of(course, others),
            **look_of(course),
        )


def colour_in(course: Course, scale: LogNorm) -> Any:
    """Return the colour of a run's lines."""
    if course.word:
        return GREY
    return COLOUR if course.variant else colour_of(course.lam, scale)


def look_of(course: Course) -> dict[str, Any]:
    """Return the remaining properties of a run's lines.

    Lines of comparison runs are drawn on top, with about five markers each.
    """
    length = len(course.epochs)
    step = -(-length // 5)
    single: dict[str, Any] = {"marker": "o" if length == 1 else "", "markersize": 3}
    every = {"markevery": ((length - 1) % step, step)}  # the last epoch is marked
    return {
        "linewidth": 0.9,
        "zorder": 1 if course.word else 3 if course.variant else 2,
        **({**marked(course.number), **every} if course.variant else single),
    }


def line_of(course: Course, others: list[str]) -> Any:
    """Return the line style of a run: solid for search and comparison runs."""
    return DASHES[others.index(course.other) % len(DASHES)] if course.other else "-"


def weight_panel(axes: Axes, courses: Sequence[Course], scale: LogNorm) -> None:
    """Draw the complexity's mean weight in each epoch of comparison runs, over the others' λs.

    A logarithmic axis cannot show λ = 0; lines of a weight of zero leave the panel at the bottom.
    """
    lams = lams_of(courses)
    lines = [
        (course, course.epochs[column], line)
        for course in courses
        if course.variant
        for column, line in zip(drawn_weights(course), LINES, strict=False)
    ]
    shown = pd.concat([pd.Series(list(lams), dtype=float), *(weights for _, weights, _ in lines)])
    lower, upper = extent_of(shown)
    for lam, course in lams.items():
        axes.axhline(lam, color=colour_in(course, scale), zorder=1, **THIN)
    for course, weights, line in lines:
        axes.plot(
            course.epochs["epoch"],
            weights.clip(lower=lower / 100),
            color=colour_in(course, scale),
            linestyle=line,
            **look_of(course),
        )
    finish_panel(axes)
    axes.set(ylim=(lower, upper), ylabel="weight of the complexity")


def lams_of(courses: Sequence[Course]) -> dict[float, Course]:
    """Return the positive λs of weighted sums, each with a run: a living one if there is one."""
    living_last = sorted(courses, key=lambda course: course.word == "")
    return {c.lam: c for c in living_last if not c.variant and c.lam > 0}


def drawn_weights(course: Course) -> dict[str, str]:
    """Return the columns of a run's history that are weights of second objectives, with labels."""
    method = METHODS.get(course.method)
    drawn = FIRST_WEIGHT if method is None or method.drawn is None else method.drawn
    known = course.epochs.columns[course.epochs.notna().any()]
    return {name: label for name, label in drawn.items() if name in known}


def extent_of(weights: pd.Series) -> tuple[float, float]:
    """Return the limits of a logarithmic axis around the finite, positive weights."""
    placed = weights[np.isfinite(weights) & (weights > 0)]
    least, most = (placed.min(), placed.max()) if len(placed) else (1e-3, 1.0)
    return least / 1.5, most * 1.5


def legend_of(courses: Sequence[Course], others: list[str]) -> list[Line2D]:
    """Return the legend entries of broken, marked and grey lines.

    The list is empty if all lines are solid, unmarked and coloured.
    """
    words = sorted({course.word for course in courses if course.word})
    grey = [Line2D([], [], color=GREY, label=", ".join(words))] if words else []
    dashed = {course.other: line_of(course, others) for course in courses if course.other}
    handles = [Line2D([], [], color="0.3", linestyle=line, label=o) for o, line in dashed.items()]
    handles += legend_of_variants(courses)
    has_plain = any(not course.other and not course.variant for course in courses)
    plain = [Line2D([], [], color="0.3", label="the study's runs")] if handles and has_plain else []
    return [*plain, *handles, *grey]


def legend_of_variants(courses: Sequence[Course]) -> list[Line2D]:
    """Return the legend entries of variants and of the panel of weights; none without variants.

    A variant is shown by a living run, if there is one.
    """
    runs = sorted((c for c in courses if c.variant), key=lambda course: course.word == "")
    handles = []
    for number, course in sorted({course.number: course for course in runs}.items()):
        colour = GREY if course.word else COLOUR
        handles.append(Line2D([], [], color=colour, label=course.variant, **marked(number)))
    labels = {
        label: line
        for course in runs
        for label, line in zip(drawn_weights(course).values(), LINES, strict=False)
        if label
    }
    handles += [Line2D([], [], color=COLOUR, linestyle=x, label=text) for text, x in labels.items()]
    if runs and lams_of(courses):
        handles.append(Line2D([], [], color="0.3", label=CONSTANT, **THIN))
    return handles


def finish(panels: Sequence[Axes], words: Words) -> None:
    """Set scales and labels of the three panels that every study has."""
    loss, quality, nonzeros = panels
    for axes in panels:
        finish_panel(axes)
    loss.set_ylabel(words.loss_label("validation"))
    quality.set_ylabel(words.metric_label("validation"))
    nonzeros.set_ylabel(words.size_label)
    label_roundly(loss.yaxis)
    label_roundly(nonzeros.yaxis)
    label_accuracy(quality, words.quality)


def finish_panel(axes: Axes) -> None:
    """Set a logarithmic scale, and whole numbers as epochs."""
    axes.set(yscale="log", xlabel="epoch")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    add_grid(axes)
