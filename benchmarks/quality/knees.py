"""What do the knee rules choose, and where do they differ?

    python -m benchmarks.quality.knees STUDY docs/knees.png

Each rule chooses on the axes of the panel that it is drawn in, on its default scale; networks off
that panel's front are grey. Points and choices are of validation data.
"""

import argparse
from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paretoprune.analysis.aggregate import choosable
from paretoprune.analysis.choice import find_knee
from paretoprune.analysis.knee import RULES
from paretoprune.analysis.knee.axes import AXES_OF, USUAL, floor_of
from paretoprune.analysis.snapshot import StudySnapshot, load_study
from paretoprune.report.plots.style import (
    GREY,
    KNEE,
    STYLE,
    WIDTH,
    add_grid,
    label_accuracy,
    label_plainly,
)

LABELS = {
    "complexity": "l1 of the prunable weights",
    "nonzeros": "nonzero prunable weights",
    "val_loss": "cross-entropy (nats, validation)",
    "val_error": "accuracy (validation)",
}
NEAR, STEP = 26, 16  # points from a network to its label, and more for each one beside it


def choices(snapshot: StudySnapshot, axes: str) -> dict[int, list[str]]:
    """Which rules choose which network of a front."""
    found: dict[int, list[str]] = {}
    for name, entry in RULES.items():
        if axes in entry.axes:
            network = find_knee(snapshot, name, axes=axes).network
            if network is not None:
                found.setdefault(network, []).append(name)
    return found


def panel(axes: Axes, snapshot: StudySnapshot, name: str, upwards: int) -> None:
    """One front, each choice ringed and named beside it, on the side that the front dominates."""
    y, x = AXES_OF[name]
    samples = snapshot.plan.measured.validation_images
    points = choosable(snapshot.networks)
    points = points.assign(**{c: points[c].clip(lower=floor_of(c, samples)) for c in (x, y)})
    front = points.loc[snapshot.front_on((y, x)).index]
    others = points.drop(front.index)
    axes.scatter(others[x], others[y], s=14, color=GREY, zorder=2)
    axes.plot(front[x], front[y], color="0.7", zorder=1)
    axes.scatter(front[x], front[y], s=18, color="0.25", zorder=3)
    chosen = choices(snapshot, name)
    order = points.loc[list(chosen)].sort_values(x)
    for rank, (network, row) in enumerate(order.iterrows()):
        mark(axes, row, (x, y), chosen[network], upwards * (NEAR + STEP * (len(order) - 1 - rank)))


def mark(
    axes: Axes, row: pd.Series, columns: tuple[str, str], names: list[str], above: float
) -> None:
    """Ring a network and write who chooses it, `above` points over it."""
    place = (row[columns[0]], row[columns[1]])
    axes.scatter(*place, s=80, facecolor="none", edgecolor=KNEE, linewidth=1.3, zorder=4)
    axes.annotate(
        f"{', '.join(names)}\n{row['nonzeros']:,.0f} nonzeros, {1 - row['val_error']:.2%}",
        place,
        xytext=(16, above),
        textcoords="offset points",
        va="center",
        color=KNEE,
        fontsize=7,
        linespacing=1.15,
        arrowprops={
            "arrowstyle": "-",
            "color": KNEE,
            "linewidth": 0.7,
            "relpos": (0, 0.5),
            "shrinkB": 5,
        },
        zorder=5,
    )


def draw(snapshot: StudySnapshot) -> Figure:
    """A panel for each pair of axes."""
    figure = Figure(figsize=(WIDTH, 6), layout="constrained")
    panels = figure.subplots(2, 2).ravel()
    panels[-1].set_axis_off()
    for axes, name in zip(panels[:-1], USUAL, strict=True):
        y, x = AXES_OF[name]
        axes.set(xscale="log", yscale="log", xlabel=LABELS[x], ylabel=LABELS[y])
        add_grid(axes)
        panel(axes, snapshot, name, upwards=-1 if y == "val_error" else 1)
        axes.set_title(f"--axes {name}", fontsize=8)
        label_plainly(axes.xaxis)
        label_accuracy(axes) if y == "val_error" else label_plainly(axes.yaxis)
    return figure


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path)
    parser.add_argument("picture", type=Path)
    given = parser.parse_args()
    with mpl.rc_context(STYLE):
        draw(load_study(given.study)).savefig(given.picture, dpi=200)
