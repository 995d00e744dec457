"""Figure of a front: loss against complexity, and metric against size.

The right panel shows accuracy against nonzeros by default, as in the paper.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from paretoprune.analysis.aggregate import alive, choosable, over_seeds
from paretoprune.analysis.choice import require_counted
from paretoprune.analysis.comparison.eligibility import require_one_metric
from paretoprune.analysis.knee.axes import AXES_OF
from paretoprune.analysis.pareto import pareto, supported
from paretoprune.analysis.snapshot import StudySnapshot
from paretoprune.report.plots.drawing import Drawing, columns_of, drawing_of, margin_note, of
from paretoprune.report.plots.labels import words_of
from paretoprune.report.plots.method_style import Cloud, compared_runs, marker_of, scatter_runs
from paretoprune.report.plots.style import (
    COLOURS,
    GREY,
    KNEE,
    LEGEND_LINE,
    LINES,
    MARKERS,
    NOTE,
    WIDTH,
    add_bar,
    add_grid,
    clear,
    label_accuracy,
    label_plainly,
    legend_columns,
    say_nothing,
    scale_of,
)
from paretoprune.study.metric import SPLITS

DEFAULT_AXES = "error,nonzeros"
ERROR_AXES = [axes for axes in AXES_OF if axes.startswith("error,")]
MOST_COLUMNS = 3  # of the legend of variants


def front(snapshots: Sequence[StudySnapshot], split: str, axes: str = DEFAULT_AXES) -> Figure:
    """Draw the front of one study or the fronts of several.

    Args:
        snapshots: the studies, which share one metric.
        split: the data of the values, `validation` or `test`.
        axes: one of `ERROR_AXES`, for the right panel.

    Raises:
        UsageError: if the studies' metrics differ or an older study lacks the column of a size.
    """
    require_one_metric(snapshots)
    for snapshot in snapshots:
        require_counted(snapshot, AXES_OF[axes])
    words = words_of(snapshots, AXES_OF[axes][1])
    named = len(snapshots) > 1
    return draw([drawing_of(study, split, named, words) for study in snapshots], split)


def draw(drawings: Sequence[Drawing], split: str = "validation") -> Figure:
    """Draw studies into the same two panels, 7 inches wide (a page of two columns)."""
    lams = pd.concat([columns_of(choosable(d.points), split, d)["lam"] for d in drawings])
    clouds = clouds_of(drawings, split)
    labels = [cloud.label for cloud in clouds]
    columns = legend_columns(labels, MOST_COLUMNS)
    legend_lines = len(drawings) if len(drawings) > 1 else 0  # below the panels
    legend_lines += -(-len(clouds) // columns)
    figure = Figure(figsize=(WIDTH, 3 + LEGEND_LINE * legend_lines), layout="constrained")
    if lams.empty and not clouds:
        return say_nothing(figure)
    left, right = figure.subplots(1, 2)
    norm = scale_of(lams)
    for number, drawing in enumerate(drawings):
        draw_front(left, right, drawing, split, norm, number)
    handles = scatter_runs(left, right, clouds)
    if handles:
        below: dict[str, Any] = {"loc": "outside lower center", "ncols": columns}
        figure.legend(handles, labels, frameon=False, **below)
    finish(left, right, drawings, split)
    add_bar(figure, right, lams, norm)
    if clouds:
        figure.draw_without_rendering()  # this sets the final positions
        for axes in (left, right):
            for note in axes.texts:
                clear(axes, note)
    return figure


def draw_front(
    left: Axes, right: Axes, drawing: Drawing, split: str, norm: LogNorm, number: int
) -> None:
    """Draw one study's living points, if there are any, with their hull, front and knee."""
    living, prefix = choosable(over_seeds(drawing.points, drawing.columns)), SPLITS[split]
    bars = {"loss_sd": living[f"{prefix}_loss_sd"], "error_sd": living[f"{prefix}_error_sd"]}
    points = columns_of(living.assign(**bars), split, drawing)
    if points.empty:
        return
    style: dict[str, Any] = {
        "marker": MARKERS[number % len(MARKERS)],
        "linestyle": LINES[number % len(LINES)],
    }
    loss_panel(left, points, drawing, norm, style)
    metric_panel(right, points, drawing, norm, style)


def clouds_of(drawings: Sequence[Drawing], split: str) -> list[Cloud]:
    """Return the variants of methods that have living runs, study by study."""
    variants = [
        (drawing, f"{drawing.name}: {name}" if drawing.name else str(name), runs)
        for drawing in drawings
        for name, runs in compared_runs(drawing.points).groupby("variant", sort=False)
    ]
    clouds = [
        Cloud(label, marker_of(number), columns_of(alive(runs), split, drawing))
        for number, (drawing, label, runs) in enumerate(variants)
    ]
    return [cloud for cloud in clouds if len(cloud.points)]


def loss_panel(
    axes: Axes, points: pd.DataFrame, drawing: Drawing, norm: LogNorm, style: dict[str, Any]
) -> None:
    """Draw loss against complexity, with the lower convex hull."""
    scatter(axes, points, ("complexity", "loss"), ("complexity_sd", "loss_sd"), norm, style)
    knee = points.loc[points.index == drawing.knee]
    objectives = zip(knee["loss"], knee["complexity"], strict=True)
    values = [drawing.words.at_loss(*pair) for pair in objectives]
    hull = supported(points, ("loss", "complexity")).sort_values("complexity")
    # a straight edge of the hull is a curve on logarithmic axes
    along = np.geomspace(hull["complexity"].iloc[0], hull["complexity"].iloc[-1], 400)
    along = np.union1d(along, hull["complexity"])
    heights = np.interp(along, hull["complexity"], hull["loss"])
    label = legend("convex hull", drawing, values)
    # the marker appears in the legend only
    axes.plot(
        along, heights, color="0.3", zorder=1, label=label, markevery=[], markersize=4, **style
    )
    mark_knee(axes, knee[["complexity", "loss"]], values, drawing, offset=(14, 16))


def metric_panel(
    axes: Axes, points: pd.DataFrame, drawing: Drawing, norm: LogNorm, style: dict[str, Any]
) -> None:
    """Draw the metric against size, with the front of these two as a staircase."""
    column = drawing.words.size
    points = points[points["size"].notna()]
    scatter(axes, points, ("size", "error"), (f"{column}_sd", "error_sd"), norm, style)
    knee = points.loc[points.index == drawing.knee]
    errors_and_sizes = zip(knee["error"], knee[column], strict=True)
    values = [drawing.words.at_size(*pair) for pair in errors_and_sizes]
    front = pareto(points, ("size", "error"))
    axes.step(
        front["size"],
        front["error"],
        where="post",
        color="0.3",
        zorder=1,
        label=legend("front", drawing, values),
        markevery=[],
        markersize=4,
        **style,
    )
    mark_knee(axes, knee[["size", "error"]], values, drawing, offset=(14, -26))


def legend(word: str, drawing: Drawing, values: list[str]) -> str:
    """Return a line's label, with the knee's values if the figure shows several studies."""
    knee = f", knee {values[0]}" if values and drawing.name else ""
    return f"{word}{of(drawing)}{knee}"


def scatter(
    axes: Axes,
    points: pd.DataFrame,
    columns: tuple[str, str],
    bars: tuple[str, str],
    norm: LogNorm,
    style: dict[str, Any],
) -> None:
    """Draw points coloured by λ; points that are dominated in this panel are grey."""
    x, y = columns
    on_front = points.index.isin(pareto(points, columns).index)
    repeated = points[points["seeds"] > 1]
    if len(repeated):
        axes.errorbar(
            repeated[x],
            repeated[y],
            xerr=repeated[bars[0]],
            yerr=repeated[bars[1]],
            fmt="none",
            ecolor=GREY,
            elinewidth=0.7,
            zorder=1,
        )
    dominated, front = points[~on_front], points[on_front]
    marker = style["marker"]
    axes.scatter(dominated[x], dominated[y], s=14, color=GREY, marker=marker, zorder=2)
    without_lam = front[front["lam"].isna()]
    plain: dict[str, Any] = {"s": 20, "edgecolor": "0.2", "linewidth": 0.4, "zorder": 3}
    if len(without_lam):
        axes.scatter(without_lam[x], without_lam[y], color="0.55", marker=marker, **plain)
    front = front[front["lam"].notna()]
    axes.scatter(
        front[x],
        front[y],
        c=front["lam"].clip(lower=norm.vmin),
        cmap=COLOURS,
        norm=norm,
        marker=marker,
        **plain,
    )


def mark_knee(
    axes: Axes, knee: pd.DataFrame, values: list[str], drawing: Drawing, offset: tuple[int, int]
) -> None:
    """Draw a ring around the knee, if there is one.

    In a figure of one study its values are written at `offset` (in points), on the dominated side.
    """
    for point, text in zip(knee.to_numpy(), values, strict=True):
        axes.scatter(
            [point[0]], [point[1]], s=90, facecolor="none", edgecolor=KNEE, linewidth=1.4, zorder=4
        )
        if not drawing.name:
            axes.annotate(
                f"knee: {text.replace(' at ', chr(10) + 'at ')}",
                (point[0], point[1]),
                xytext=offset,
                textcoords="offset points",
                color=KNEE,
                fontsize=7,
                arrowprops={"arrowstyle": "-", "color": KNEE, "linewidth": 0.7},
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
                zorder=5,
            )


def finish(left: Axes, right: Axes, drawings: Sequence[Drawing], split: str) -> None:
    """Set scales, labels and legends, and add the notes on runs that are not drawn."""
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_yscale("log")
        add_grid(axes)
    words = drawings[0].words
    left.set(xlabel=words.complexity_label, ylabel=words.loss_label(split))
    right.set(xlabel=words.size_label, ylabel=words.metric_label(split))
    for axis in (left.xaxis, left.yaxis, right.xaxis):
        label_plainly(axis)
    label_accuracy(right, words.quality)
    for axes in (left, right):
        if axes.get_legend_handles_labels()[0]:
            below: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.17)}
            axes.legend(frameon=False, **(below if len(drawings) > 1 else {}))
    notes = [note for drawing in drawings if (note := margin_note(drawing))]
    left.set_title("\n".join(notes), fontsize=6.5, color=NOTE, loc="left")
