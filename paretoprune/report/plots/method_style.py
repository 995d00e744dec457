"""Style of SMGD runs in all figures: one colour, and a marker for each variant."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection

from paretoprune.analysis.comparison.compare import smgd_name
from paretoprune.study.run import SMGD

COLOUR = "#c2185b"  # magenta: neither on viridis nor the knee's vermilion
MARKERS = "^vPXD<>*"  # the first study's points are circles


class Cloud(NamedTuple):
    """The living runs of one variant in one study, each seed as its own point.

    `points` has the drawn quantities as `complexity`, `loss`, `size` and `error`.
    """

    label: str
    marker: str
    points: pd.DataFrame


def smgd_runs(points: pd.DataFrame) -> pd.DataFrame:
    """Return all SMGD comparison runs, sorted by their variants' names (column `variant`)."""
    compared = points[(points["role"] == "comparison") & (points["method"] == SMGD)]
    named = compared.assign(variant=[smgd_name(row) for _, row in compared.iterrows()])
    return named.sort_values(["variant", "seed"], kind="stable")


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
