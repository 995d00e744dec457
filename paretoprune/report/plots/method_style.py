"""Style of comparison runs in all figures: one colour, and a marker for each variant."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection

from paretoprune.analysis.comparison.variants import variant_name
from paretoprune.study.column import Column
from paretoprune.study.columns import COLUMNS
from paretoprune.training.methods import label_of

COLOUR = "#c2185b"  # magenta: neither on viridis nor the knee's vermilion
MARKERS = "^vPXD<>*"  # the first study's points are circles


class Cloud(NamedTuple):
    """The living runs of one variant in one study, each seed as its own point.

    `points` has the drawn quantities as `complexity`, `loss`, `size` and `error`.
    """

    label: str
    marker: str
    points: pd.DataFrame


def compared_runs(points: pd.DataFrame, columns: Mapping[str, Column] = COLUMNS) -> pd.DataFrame:
    """Return all comparison runs, sorted by their variants' names (column `variant`).

    `columns` are the columns of the study.
    """
    compared = points[points["role"] == "comparison"]
    names = [
        variant_name(row, columns, label_of(str(row["method"]))) for _, row in compared.iterrows()
    ]
    return compared.assign(variant=names).sort_values(["variant", "seed"], kind="stable")


def marker_of(number: int) -> str:
    """Return the marker of the variant with this number."""
    return MARKERS[number % len(MARKERS)]


def marked(number: int) -> dict[str, Any]:
    """Return the properties of the markers on the lines of the variant with this number."""
    return {
        "marker": marker_of(number),
        "markersize": 5,
        "markeredgecolor": "white",
        "markeredgewidth": 0.4,
    }


def scatter_runs(left: Axes, right: Axes, clouds: Sequence[Cloud]) -> list[PathCollection]:
    """Draw clouds above the front's points and below the knee's ring; return the legend handles."""
    return [
        axes.scatter(
            cloud.points[x],
            cloud.points[y],
            s=30,
            color=COLOUR,
            marker=cloud.marker,
            edgecolor="white",
            linewidth=0.5,
            zorder=3.5,
            label=f"_{cloud.label}",  # not in the panel's own legend
        )
        for axes, x, y in ((left, "complexity", "loss"), (right, "size", "error"))
        for cloud in clouds
    ][: len(clouds)]
