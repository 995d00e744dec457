"""How good are the networks that a user gets without touching an option?

    python -m benchmarks.quality.quality FOLDER [--cases lenet5 mlp] [--seeds 3]
                                         [-o docs/quality.png]

For each case of `benchmarks.quality.known` and each seed `paretoprune sweep`, with the words given
there and the defaults for everything else. Then, for each mark, the test error of the network that
`paretoprune knee --at-most nonzeros=N` picks on validation data, and what `paretoprune knee` picks.
Studies stay in FOLDER, and what is there is not trained again. Needs MNIST in PARETOPRUNE_DATA.
"""

import argparse
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.quality.known import CASES, Case, Points
from benchmarks.quality.steadiness import shortfall
from benchmarks.report import publish, table
from benchmarks.speed.front import paretoprune
from paretoprune.analysis.choice import find_constrained, find_knee
from paretoprune.analysis.comparison.effort import StudyEffort, search_effort
from paretoprune.analysis.constraints import Constraint
from paretoprune.analysis.snapshot import StudySnapshot, load_study
from paretoprune.errors import UsageError
from paretoprune.report.plots.style import (
    KNEE,
    STYLE,
    WIDTH,
    add_grid,
    label_accuracy,
    label_plainly,
)

MARKERS = "osD^vP*Xdh"
OURS = "#0072b2"


def sweep(folder: Path, case: Case, seed: int) -> StudySnapshot:
    """Begin or continue a study; nothing of what is there is trained again."""
    ended = paretoprune("sweep", folder, *case.options, "--smgd", 0, "--seed", seed)
    if ended.returncode not in (0, 3):
        raise SystemExit(ended.stderr)
    return load_study(folder)


def picked(snapshot: StudySnapshot, nonzeros: float) -> pd.Series | None:
    """The network that `knee --at-most` picks on validation data, if there is one."""
    try:
        choice = find_constrained(snapshot, Constraint("nonzeros", is_lower=False, bound=nonzeros))
    except UsageError:
        return None
    return choice.front.loc[choice.network]


def knee(snapshot: StudySnapshot) -> pd.Series | None:
    """The network that `knee` picks."""
    choice = find_knee(snapshot)
    return None if choice.network is None else choice.front.loc[choice.network]


def spread(values: Sequence[float], form: str) -> str:
    """`mean ± standard deviation (values)`."""
    each = " ".join(f"{value:{form}}" for value in values)
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):{form}} ± {deviation:{form}} ({each})"


def rows_of(kind: str, points: Points, snapshots: Sequence[StudySnapshot]) -> list[list[str]]:
    """A row for each mark: what is to reach, and what was picked, over the seeds."""
    rows = []
    for nonzeros, error in points:
        own = [picked(snapshot, nonzeros) for snapshot in snapshots]
        found = [row for row in own if row is not None]
        if len(found) < len(own):
            rows.append(
                [kind, f"{nonzeros:,.0f}", f"{error:.2%}", f"none for {len(own) - len(found)}", ""]
            )
            continue
        errors = [100 * float(row["test_error"]) for row in found]
        is_met = statistics.mean(errors) <= 100 * error + 1e-9
        rows.append(
            [
                f"{kind}, {'met' if is_met else 'missed'}",
                f"{nonzeros:,.0f}",
                f"{error:.2%}",
                spread(errors, ".2f"),
                " ".join(f"{row['nonzeros']:,.0f}" for row in found),
            ]
        )
    return rows


def report(case: Case, snapshots: Sequence[StudySnapshot]) -> str:
    """Everything about a case."""
    header = [
        "",
        "nonzeros at most",
        "test error",
        "test error in %, mean ± sd (seeds)",
        "nonzeros",
    ]
    rows = rows_of("mark", case.marks, snapshots) + rows_of("goal", case.goals, snapshots)
    fronts = {
        split: [search_effort(StudyEffort(case.title, snapshot, split)) for snapshot in snapshots]
        for split in ("validation", "test")
    }
    costs, knees = fronts["validation"], [knee(snapshot) for snapshot in snapshots]
    lines = [
        f"{case.title}: `sweep {' '.join(case.options)}`, n = {len(snapshots)}",
        table(header, rows),
        *(
            f"hypervolume, {split}: {spread([front.hypervolume for front in of_split], '.3f')}"
            for split, of_split in fronts.items()
        ),
        f"search runs: {spread([front.runs for front in costs], '.0f')}",
        f"epochs: {spread([front.epochs for front in costs], '.0f')}",
        f"seconds of training: {spread([front.seconds for front in costs], '.0f')}",
    ]
    for seed, (snapshot, row) in enumerate(zip(snapshots, knees, strict=True)):
        lines.append(f"knee, seed {seed}: {'none' if row is None else in_words(snapshot, row)}")
    return "\n".join(lines)


def in_words(snapshot: StudySnapshot, row: pd.Series) -> str:
    return (
        f"{row['nonzeros']:,.0f} nonzeros ({row['nonzeros'] / row['prunable_weights']:.2%}), test "
        f"accuracy {1 - row['test_error']:.2%}, {shortfall(snapshot, row):.2f} points below the "
        "dense network's"
    )


def panel(axes: Axes, case: Case, snapshots: Sequence[StudySnapshot]) -> None:
    """Test error over nonzeros: each seed's front, chosen on validation data, and what is known."""
    for number, (name, points) in enumerate(case.published.items()):
        x, y = zip(*points, strict=True)
        axes.scatter(x, y, s=16, marker=MARKERS[number], color="0.45", label=name, zorder=3)
    for number, snapshot in enumerate(snapshots):
        front = snapshot.front_on(("val_error", "nonzeros"))
        label = f"paretoprune, {len(snapshots)} seeds" if number == 0 else None
        x, y = front["nonzeros"].clip(lower=1), front["test_error"]
        axes.plot(x, y, "-o", ms=2, lw=0.7, color=OURS, label=label, zorder=2)
        row = knee(snapshot)
        if row is not None:
            style: dict[str, Any] = {"s": 50, "facecolor": "none", "edgecolor": KNEE, "zorder": 4}
            axes.scatter(
                row["nonzeros"], row["test_error"], label=None if number else "knee", **style
            )
    axes.set(xscale="log", yscale="log", xlabel="nonzero prunable weights", title=case.title)
    within(axes, case)
    add_grid(axes)
    label_plainly(axes.xaxis)
    label_accuracy(axes)
    axes.set_ylabel("accuracy (test)")
    axes.legend(fontsize=5.5, frameon=False)


def within(axes: Axes, case: Case) -> None:
    """Show what lies near the published points: collapsed ends say nothing here."""
    x, y = zip(*(point for points in case.published.values() for point in points), strict=True)
    axes.set(xlim=(min(x) / 4, max(x) * 4), ylim=(min(y) / 1.6, max(y) * 1.6))


def draw(studies: dict[str, list[StudySnapshot]]) -> Figure:
    """A panel for each case."""
    lines = -(-len(studies) // 2)
    figure = Figure(figsize=(WIDTH, 3.2 * lines), layout="constrained")
    grid = figure.subplots(lines, 2, squeeze=False)
    for axes, (name, snapshots) in zip(grid.flat, studies.items(), strict=False):
        panel(axes, CASES[name], snapshots)
    for axes in grid.flat[len(studies) :]:
        axes.set_axis_off()
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=CASES)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("-o", "--output", type=Path, default=Path("quality.png"))
    parser.add_argument("--json", type=Path, default=Path("quality.json"))
    given = parser.parse_args()
    studies: dict[str, list[StudySnapshot]] = {}
    for name in given.cases:
        studies[name] = []
        for seed in range(given.seeds):
            studies[name].append(sweep(given.folder / f"{name}-{seed}", CASES[name], seed))
            print(report(CASES[name], studies[name]), file=sys.stderr, flush=True)
    text = "\n\n".join(report(CASES[name], snapshots) for name, snapshots in studies.items())
    with mpl.rc_context(STYLE):
        draw(studies).savefig(given.output, dpi=200)
    cases = " ".join(given.cases)
    command = f"python -m benchmarks.quality.quality FOLDER --cases {cases} --seeds {given.seeds}"
    publish(given.json, text, {"report": text.splitlines()}, command)


if __name__ == "__main__":
    main()
