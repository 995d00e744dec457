"""Figure of the layers: how many weights each of them keeps along the front."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from paretoprune.analysis.choice import find_knee, require_search
from paretoprune.analysis.snapshot import StudySnapshot
from paretoprune.report.plots.single_study import only_study
from paretoprune.report.plots.style import (
    KNEE,
    LEGEND_LINE,
    NOTE,
    WIDTH,
    add_grid,
    label_roundly,
    say_nothing,
)

# Okabe and Ito's palette for the colour-blind, with grey instead of yellow and without vermilion,
# which marks the knee
PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#000000", "#8c8c8c")
MARKERS = "osD^v<>p"  # none looks like the cross of a dead layer
DEAD = "no weight is left"
ENTRY, LETTER = 0.55, 0.054  # inches of the legend: around a label, and per letter
SEEDS = "with several seeds: the network of least validation loss stands for its λ"


def layers(snapshots: Sequence[StudySnapshot], split: str) -> Figure:
    """Draw each prunable layer's nonzeros and the share of its weights that is kept.

    The figure shows one study. Raises `UsageError` for several studies, for another split than
    `validation`, and for a study without a search.
    """
    snapshot = only_study(snapshots, split, "layers")
    require_search(snapshot)
    knee = find_knee(snapshot)
    networks = knee.front
    parts = parts_of(networks)
    if parts.empty:
        return say_nothing(Figure(figsize=(WIDTH, 3), layout="constrained"))
    names = list(dict.fromkeys(parts["label"]))
    columns = columns_of(names)
    lines = -(-(len(names) + 1) // columns)
    figure = Figure(figsize=(WIDTH, 3 + LEGEND_LINE * lines), layout="constrained")
    left, right = figure.subplots(1, 2)
    for number, name in enumerate(names):
        draw_layer(left, right, parts[parts["label"] == name], style_of(number))
    mark_knee((left, right), parts[parts["network"] == knee.network])
    finish(left, right)
    handles, _ = left.get_legend_handles_labels()
    if (parts["nonzeros"] == 0).any():
        handles.append(Line2D([], [], color="0.3", marker="x", linestyle="", label=DEAD))
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False)
    if (networks["seeds"] > 1).any():
        figure.suptitle(SEEDS, fontsize=6.5, color=NOTE)
    return figure


def parts_of(networks: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each layer of each network, from the smallest network to the largest.

    `total` counts the nonzeros of the same network, so that the layers add up to it even if the
    table holds means over seeds. For logarithmic axes a count (`drawn`) is at least 1, and a share
    (`kept`, in percent) at least that of a single weight.
    """
    rows = [
        {
            "network": network,
            "label": f"{layer['name']} ({'×'.join(str(side) for side in layer['shape'])})",
            "nonzeros": int(layer["nonzeros"]),
            "total": max(sum(int(other["nonzeros"]) for other in of_network), 1),
            "drawn": max(int(layer["nonzeros"]), 1),
            "kept": 100 * max(int(layer["nonzeros"]), 1) / int(np.prod(layer["shape"])),
        }
        for network, of_network in networks["layers"].items()
        for layer in of_network
    ]
    return pd.DataFrame(rows).sort_values("total", kind="stable") if rows else pd.DataFrame()


def columns_of(names: Sequence[str]) -> int:
    """Return the number of columns of the legend."""
    longest = max(len(name) for name in (*names, DEAD))
    return min(max(int(WIDTH / (ENTRY + LETTER * longest)), 1), 4)


def style_of(number: int) -> dict[str, Any]:
    """Return the colour and the marker of a layer; the first 56 layers all differ."""
    return {"color": PALETTE[number % len(PALETTE)], "marker": MARKERS[number % len(MARKERS)]}


def draw_layer(left: Axes, right: Axes, parts: pd.DataFrame, style: dict[str, Any]) -> None:
    """Draw one layer's line in both panels, with a cross where the layer has no weight left."""
    dead = (parts["nonzeros"] == 0).to_numpy()
    for axes, column in ((left, "drawn"), (right, "kept")):
        axes.plot(
            parts["total"],
            parts[column],
            markevery=np.flatnonzero(~dead).tolist(),
            markersize=3.5,
            markeredgecolor="white",
            markeredgewidth=0.4,
            label=parts["label"].iloc[0],
            **style,
        )
        axes.scatter(
            parts["total"][dead],
            parts[column][dead],
            marker="x",
            s=22,
            linewidth=1.2,
            color=style["color"],
            zorder=3,
        )


def mark_knee(panels: Sequence[Axes], parts: pd.DataFrame) -> None:
    """Draw a vertical line at the knee, if there is one, with its value above."""
    for axes in panels:
        for total in parts["total"].head(1):
            axes.axvline(total, color=KNEE, linestyle="--", linewidth=0.8, zorder=1)
            axes.annotate(
                f"knee: {total:,} nonzeros",
                (total, 1),
                xycoords=("data", "axes fraction"),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                color=KNEE,
                fontsize=7,
            )


def finish(left: Axes, right: Axes) -> None:
    """Set scales and labels."""
    for axes in (left, right):
        axes.set(xscale="log", yscale="log", xlabel="nonzero prunable weights of the network")
        add_grid(axes)
        label_roundly(axes.xaxis)
    left.set_ylabel("nonzero weights of the layer")
    right.set_ylabel("kept share of the layer's weights")
    label_roundly(left.yaxis)
    label_roundly(right.yaxis, " %")
