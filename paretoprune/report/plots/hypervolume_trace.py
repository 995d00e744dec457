"""Figure of the anytime hypervolume over epochs and seconds, with single runs of other methods."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paretoprune.analysis.comparison.compare import Comparison, Variant
from paretoprune.analysis.comparison.effort import SearchEffort
from paretoprune.report.plots import write_picture
from paretoprune.report.plots.layers import PALETTE
from paretoprune.report.plots.method_style import COLOUR, marker_of
from paretoprune.report.plots.style import (
    LEGEND_LINE,
    LINES,
    NOTE,
    WIDTH,
    add_grid,
    label_roundly,
    legend_columns,
)

HEIGHT = 2.6  # inches, without the legend
MOST_COLUMNS = 4  # of the legend
COSTS = ("epochs", "seconds")
MARKS = "marks: one run of another method, mean and standard deviation over its seeds"


def draw_cost(comparison: Comparison, path: Path) -> None:
    """Draw a comparison's anytime hypervolume into a file.

    Args:
        comparison: the compared studies.
        path: the file, ending in .png, .svg or .pdf, which selects the format.

    Raises:
        UsageError: for another ending, and if the folder does not exist.
        CouldNotError: if the file cannot be written.
    """
    write_picture(path, lambda: cost(comparison))


def cost(comparison: Comparison) -> Figure:
    """Draw a line for each search, fleet by fleet, and a mark for one run of each variant."""
    several = len(comparison.studies) > 1
    fronts = {name_of(front.study): front for front in comparison.fronts}
    variants = {
        f"{variant.name} ({name_of(variant.study)})" if several else variant.name: variant
        for variant in comparison.variants
        if variant.seeds
    }
    columns = legend_columns([*fronts, *variants], MOST_COLUMNS)
    lines = -(-len([*fronts, *variants]) // columns)
    figure = Figure(figsize=(WIDTH, HEIGHT + LEGEND_LINE * lines), layout="constrained")
    panels = figure.subplots(1, len(COSTS), sharey=True)
    for axes, quantity in zip(panels, COSTS, strict=True):
        for number, (label, front) in enumerate(fronts.items()):
            draw_course(axes, front, quantity, label, number)
        for number, (label, variant) in enumerate(variants.items()):
            draw_run(axes, variant, quantity, label, number)
    finish(panels, comparison.split)
    if variants:
        panels[0].set_title(MARKS, fontsize=6.5, color=NOTE, loc="left")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False)
    return figure


def name_of(study: str) -> str:
    """Return a study's name with dollar signs escaped, which would start a formula."""
    return study.replace("$", r"\$")


def draw_course(axes: Axes, front: SearchEffort, quantity: str, label: str, number: int) -> None:
    """Draw the hypervolume of all runs recorded so far; it rises at the end of each fleet."""
    # the time of failed runs is unknown, and a logarithmic axis cannot show 0
    steps = [(getattr(step, quantity), step.hypervolume) for step in front.course]
    steps = [(spent, reached) for spent, reached in steps if spent > 0]
    axes.step(
        [spent for spent, _ in steps],
        [reached for _, reached in steps],
        where="post",
        color=PALETTE[number % len(PALETTE)],
        linestyle=LINES[number // len(PALETTE) % len(LINES)],
        marker="o",
        markersize=3,
        label=label,
    )


def draw_run(axes: Axes, variant: Variant, quantity: str, label: str, number: int) -> None:
    """Draw the hypervolume of one run over its effort, with a bar for the spread over seeds."""
    spent = variant.measures[quantity].mean
    if not spent:
        return
    axes.errorbar(
        [spent],
        [variant.hypervolume.mean or 0],
        yerr=[variant.hypervolume.sd or 0],
        color=COLOUR,
        marker=marker_of(number),
        markersize=6,
        markeredgecolor="white",
        markeredgewidth=0.5,
        linestyle="",
        label=label,
        zorder=3,
    )


def finish(panels: Sequence[Axes], split: str) -> None:
    """Set scales and labels."""
    left, right = panels
    left.set(xlabel="epochs of all runs so far", ylabel=f"hypervolume ({split})")
    right.set_xlabel("seconds of all runs so far")
    left.set_ylim(bottom=0)
    for axes in panels:
        add_grid(axes)
        if np.isfinite(axes.dataLim.minposx):
            axes.set_xscale("log")
            label_roundly(axes.xaxis)
