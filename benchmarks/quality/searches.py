"""How do the searches compare at equal budgets?

    python -m benchmarks.quality.searches STUDY... [-o PICTURE]

Takes finished studies (`paretoprune sweep STUDY --search NAME --seed S`), prints for each search
the hypervolume, the runs that were wasted and the time, mean and range over the seeds, and draws
how each search of the first seed walks along the front.
"""

import argparse
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from paretoprune.analysis.aggregate import alive
from paretoprune.analysis.indicators import hypervolume_of
from paretoprune.analysis.pareto import pareto
from paretoprune.analysis.snapshot import StudySnapshot, load_study


def measure(snapshot: StudySnapshot) -> dict[str, object]:
    """A study's figures; wasted are runs that are dominated on both pairs of axes, or collapsed."""
    points = searched(snapshot)
    on_front = {
        label
        for axes in (("val_loss", "complexity"), ("val_error", "nonzeros"))
        for label in pareto(alive(points), axes).index
    }
    collapsed = int(points["collapsed"].sum())
    return {
        "search": snapshot.plan.settings.search,
        "seed": snapshot.plan.settings.seed,
        "runs": len(points),
        "hypervolume": hypervolume_of(points, snapshot.plan.measured.validation_images),
        "dominated": len(points) - collapsed - len(on_front),
        "collapsed": collapsed,
        "fleets": int((1 / points["fleet_size"]).sum().round()),
        "minutes": points["seconds"].sum() / 60,
    }


def searched(snapshot: StudySnapshot) -> pd.DataFrame:
    """The networks that the search trained, without confirmations."""
    return snapshot.networks[snapshot.networks["role"] == "search"]


def summary(measured: pd.DataFrame) -> str:
    """A row of Markdown for each search, the largest mean hypervolume first."""
    lines = ["| search | n | hypervolume | runs | dominated | collapsed | fleets | minutes |"]
    lines.append("|---" * 8 + "|")
    groups = sorted(
        measured.groupby("search"), key=lambda group: group[1]["hypervolume"].mean(), reverse=True
    )
    for search, rows in groups:
        cells = [f"`{search}`", str(len(rows))]
        for name, form in (("hypervolume", ".3f"), *((n, ".0f") for n in NUMBERS)):
            low, mean, high = rows[name].min(), rows[name].mean(), rows[name].max()
            spread = f" ({low:{form}} to {high:{form}})" if low < high else ""
            cells.append(f"{mean:{form}}{spread}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


NUMBERS = ("runs", "dominated", "collapsed", "fleets", "minutes")


def draw(snapshots: list[StudySnapshot]) -> Figure:
    """A row for each search: its λs level by level, and where its networks lie."""
    figure = Figure(figsize=(7, 1.55 * len(snapshots)), layout="constrained")
    grid = figure.subplots(len(snapshots), 2, sharex="col", squeeze=False)
    for (left, right), snapshot in zip(grid, snapshots, strict=True):
        right.sharey(grid[0, 1])
        points = searched(snapshot)
        positive = points.loc[points["lam"] > 0, "lam"]
        lams = points["lam"].clip(lower=positive.min() / 3)
        rounds, colours = points["round"] + 1, mpl.colormaps["viridis_r"]
        shades = colours(np.asarray(rounds / (1 + rounds.max())))
        dead = points["collapsed"].to_numpy()
        left.scatter(lams[~dead], rounds[~dead], color=shades[~dead], s=14)
        left.scatter(lams[dead], rounds[dead], color=shades[dead], s=16, marker="x")
        left.set(xscale="log", ylabel="round", ylim=(rounds.max() + 0.6, 0.4))
        left.set_title(snapshot.plan.settings.search, loc="left", fontsize=8)
        left.yaxis.get_major_locator().set_params(integer=True)
        living = alive(points)
        x, y = living["complexity"], living["train_loss"]
        right.scatter(x, y, color=shades[~dead], s=14)
        right.set(xscale="log", yscale="log", ylabel="train. loss (nats)")
        right.yaxis.set_minor_formatter(NullFormatter())
        for axes in (left, right):
            axes.grid(color="0.92", linewidth=0.5)
            axes.set_axisbelow(True)
    grid[-1, 0].set_xlabel("λ (leftmost: 0; crosses: collapsed)")
    grid[-1, 1].set_xlabel("l1 of the prunable weights")
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    snapshots = [load_study(folder) for folder in arguments.studies]
    print(summary(pd.DataFrame([measure(snapshot) for snapshot in snapshots])))
    if arguments.output:
        first = min(snapshot.plan.settings.seed for snapshot in snapshots)
        style = {"font.size": 7, "axes.spines.top": False, "axes.spines.right": False}
        with mpl.rc_context(style):
            chosen = [r for r in snapshots if r.plan.settings.seed == first]
            draw(chosen).savefig(arguments.output, dpi=200)


if __name__ == "__main__":
    main()
