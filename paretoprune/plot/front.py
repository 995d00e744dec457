"""The picture of a front: cross-entropy against l1, accuracy against nonzeros (as in the paper)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from paretoprune.front import CHOSEN_ROLES, SPLITS, alive, choosable, over_seeds, pareto, supported
from paretoprune.plot.smgd import Cloud, marker_of, scatter_runs, smgd_runs
from paretoprune.plot.style import (
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
from paretoprune.reading import Reading, find_knee

MOST_COLUMNS = 3  # of the legend of SMGD's variants


@dataclass(frozen=True)
class Drawing:
    """One study's part of a picture.

    `samples` is the number of images behind an error (none counts as less than half of one),
    `knee` the label of the knee's row in `over_seeds(points)`.
    """

    name: str
    points: pd.DataFrame
    samples: int
    knee: int | None


def front(readings: Sequence[Reading], split: str) -> Figure:
    """Draw the front of one study, or those of several."""
    return draw([drawing_of(reading, split, len(readings) > 1) for reading in readings], split)


def drawing_of(reading: Reading, split: str, named: bool) -> Drawing:
    """What of a study is drawn."""
    measured = reading.plan.measured
    return Drawing(
        # a dollar sign would begin a formula
        name=reading.folder.resolve().name.replace("$", r"\$") if named else "",
        points=reading.points,
        samples=measured.validation_images if split == "validation" else measured.test_images,
        knee=find_knee(reading).network,
    )


def draw(drawings: Sequence[Drawing], split: str = "validation") -> Figure:
    """Draw studies side by side in two panels, 7 inches wide: a page of two columns."""
    lams = pd.concat([columns_of(choosable(d.points), split, d.samples)["lam"] for d in drawings])
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
        figure.draw_without_rendering()  # so that all has its place
        for axes in (left, right):
            for note in axes.texts:
                clear(axes, note)
    return figure


def draw_front(
    left: Axes, right: Axes, drawing: Drawing, split: str, norm: LogNorm, number: int
) -> None:
    """One study's points with their hull, their front and the knee; nothing where none lives."""
    living, prefix = choosable(over_seeds(drawing.points)), SPLITS[split]
    bars = {"loss_sd": living[f"{prefix}_loss_sd"], "error_sd": living[f"{prefix}_error_sd"]}
    points = columns_of(living.assign(**bars), split, drawing.samples)
    if points.empty:
        return
    style: dict[str, Any] = {
        "marker": MARKERS[number % len(MARKERS)],
        "linestyle": LINES[number % len(LINES)],
    }
    loss_panel(left, points, drawing, norm, style)
    accuracy_panel(right, points, drawing, norm, style)


def clouds_of(drawings: Sequence[Drawing], split: str) -> list[Cloud]:
    """The variants of SMGD of which a run lives, study by study."""
    variants = [
        (drawing, f"{drawing.name}: {name}" if drawing.name else name, runs)
        for drawing in drawings
        for name, runs in smgd_runs(drawing.points).groupby("variant", sort=False)
    ]
    clouds = [
        Cloud(label, marker_of(number), columns_of(alive(runs), split, drawing.samples))
        for number, (drawing, label, runs) in enumerate(variants)
    ]
    return [cloud for cloud in clouds if len(cloud.points)]


def columns_of(living: pd.DataFrame, split: str, samples: int) -> pd.DataFrame:
    """Living points of finite loss, with what is drawn as `loss`, `complexity`, `error`, `size`."""
    prefix = SPLITS[split]
    living = living[np.isfinite(living[f"{prefix}_loss"])]
    return living.assign(
        loss=above_zero(living[f"{prefix}_loss"]),
        complexity=above_zero(living["complexity"]),
        error=living[f"{prefix}_error"].clip(lower=1 / (2 * samples)),
        size=living["nonzeros"].clip(lower=1),
    )


def above_zero(values: pd.Series) -> pd.Series:
    """Zeros stand at a tenth of the least other value: logarithmic axes have no place for them."""
    return values.clip(lower=values[values > 0].min() / 10 if values.any() else 1.0)


def loss_panel(
    axes: Axes, points: pd.DataFrame, drawing: Drawing, norm: LogNorm, style: dict[str, Any]
) -> None:
    """Cross-entropy against complexity, with the lower convex hull."""
    scatter(axes, points, ("complexity", "loss"), ("complexity_sd", "loss_sd"), norm, style)
    knee = points.loc[points.index == drawing.knee]
    values = [f"{row.loss:.3g} nats at l1 {row.complexity:,.0f}" for row in knee.itertuples()]
    edge = supported(points, ("loss", "complexity")).sort_values("complexity")
    # a straight edge of the hull is a curve on logarithmic axes
    along = np.geomspace(edge["complexity"].iloc[0], edge["complexity"].iloc[-1], 400)
    along = np.union1d(along, edge["complexity"])
    heights = np.interp(along, edge["complexity"], edge["loss"])
    label = legend("convex hull", drawing, values)
    # the marker stands in the legend only
    axes.plot(
        along, heights, color="0.3", zorder=1, label=label, markevery=[], markersize=4, **style
    )
    mark_knee(axes, knee[["complexity", "loss"]], values, drawing, beside=(14, 16))


def accuracy_panel(
    axes: Axes, points: pd.DataFrame, drawing: Drawing, norm: LogNorm, style: dict[str, Any]
) -> None:
    """Accuracy against nonzeros, with the front of these two as a staircase."""
    scatter(axes, points, ("size", "error"), ("nonzeros_sd", "error_sd"), norm, style)
    knee = points.loc[points.index == drawing.knee]
    values = [f"{1 - row.error:.2%} at {row.nonzeros:,.0f} nonzeros" for row in knee.itertuples()]
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
    mark_knee(axes, knee[["size", "error"]], values, drawing, beside=(14, -26))


def legend(word: str, drawing: Drawing, values: list[str]) -> str:
    """What a line is; with the knee's values where there are several studies."""
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
    """Points coloured by lam; those that are dominated in this panel are grey."""
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
    axes.scatter(
        front[x],
        front[y],
        c=front["lam"].clip(lower=norm.vmin),
        cmap=COLOURS,
        norm=norm,
        s=20,
        marker=marker,
        edgecolor="0.2",
        linewidth=0.4,
        zorder=3,
    )


def mark_knee(
    axes: Axes, at: pd.DataFrame, values: list[str], drawing: Drawing, beside: tuple[int, int]
) -> None:
    """Ring the knee, if there is one.

    In a picture of one study its values stand `beside` it (in points), on the dominated side.
    """
    for place, text in zip(at.to_numpy(), values, strict=True):
        axes.scatter(
            [place[0]], [place[1]], s=90, facecolor="none", edgecolor=KNEE, linewidth=1.4, zorder=4
        )
        if not drawing.name:
            axes.annotate(
                f"knee: {text.replace(' at ', chr(10) + 'at ')}",
                place,
                xytext=beside,
                textcoords="offset points",
                color=KNEE,
                fontsize=7,
                arrowprops={"arrowstyle": "-", "color": KNEE, "linewidth": 0.7},
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
                zorder=5,
            )


def finish(left: Axes, right: Axes, drawings: Sequence[Drawing], split: str) -> None:
    """Scales, labels, legends, and what could not be drawn."""
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_yscale("log")
        add_grid(axes)
    left.set(xlabel="l1 of the prunable weights", ylabel=f"cross-entropy (nats, {split})")
    right.set(xlabel="nonzero prunable weights", ylabel=f"accuracy ({split})")
    for axis in (left.xaxis, left.yaxis, right.xaxis):
        label_plainly(axis)
    label_accuracy(right)
    for axes in (left, right):
        if axes.get_legend_handles_labels()[0]:
            below: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.17)}
            axes.legend(frameon=False, **(below if len(drawings) > 1 else {}))
    notes = [note for drawing in drawings if (note := margin_note(drawing))]
    left.set_title("\n".join(notes), fontsize=6.5, color=NOTE, loc="left")


def margin_note(drawing: Drawing) -> str:
    """How many runs are not drawn, and why."""
    chosen = drawing.points["role"].isin(CHOSEN_ROLES)
    parts = [f"{count} {word}" for word, count in not_drawn(drawing.points[chosen]).items()]
    for word, count in not_drawn(smgd_runs(drawing.points)).items():
        parts.append(f"{count} SMGD {'run' if count == 1 else 'runs'} {word}")
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
