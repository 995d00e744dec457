"""How steady is each knee rule?

    python -m benchmarks.quality.steadiness STUDY... [--halves 20]

Each rule, on all axes and scales that it has a meaning for, chooses on random halves of each
study's front; the studies are of one problem with several seeds. Reported over all choices: the
range of log10(nonzeros) and of the validation error, how often there was no knee, and by how many
points the test accuracy of the choices on whole fronts falls short of the dense network's (λ = 0).
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.report import table
from paretoprune.analysis.knee import RULES, AxesSpec, Rule
from paretoprune.analysis.snapshot import StudySnapshot, load_study


@dataclass(frozen=True)
class Contestant:
    """A rule with axes and a scale."""

    name: str
    rule: Rule
    spec: AxesSpec


def contestants(snapshot: StudySnapshot) -> Iterator[Contestant]:
    """Every rule, with all axes and scales that it can be asked for."""
    for name, entry in RULES.items():
        for axes in entry.axes:
            for scale in entry.scales or (None,):
                spec = entry.spec(name, axes, scale, snapshot.plan.measured)
                words = " ".join(filter(None, (name, axes, scale)))
                yield Contestant(words, entry.rule, spec)


def choose(one: Contestant, front: pd.DataFrame) -> pd.Series | None:
    """The row that a rule chooses."""
    index = one.rule(front, one.spec).index
    return None if index is None else front.loc[index]


def halves(front: pd.DataFrame, count: int) -> Iterator[pd.DataFrame]:
    """Random halves of a front, the same for every rule."""
    generator = np.random.default_rng(0)
    for _ in range(count):
        kept = generator.choice(len(front), -(-len(front) // 2), replace=False)
        yield front.iloc[np.sort(kept)]


def shortfall(snapshot: StudySnapshot, row: pd.Series) -> float:
    """Points of test accuracy that the dense network has more than a choice."""
    points = snapshot.networks
    dense = points[(points["role"] == "search") & (points["lam"] == 0)].iloc[0]
    return 100 * float(row["test_error"] - dense["test_error"])


def measure(
    one: Contestant, snapshots: Sequence[StudySnapshot], count: int
) -> tuple[float, list[str]]:
    """The range by which rules are ranked, and a row of the table."""
    chosen, asked, whole, short = [], 0, [], []
    for snapshot in snapshots:
        front = snapshot.front_on(one.spec.axes)
        for half in halves(front, count):
            asked += 1
            chosen.append(choose(one, half))
        row = choose(one, front)
        if row is not None:
            whole.append(int(row["nonzeros"]))
            short.append(shortfall(snapshot, row))
    found = [row for row in chosen if row is not None]
    if not found or not whole:
        return np.inf, [one.name, *["none"] * 6]
    sizes = np.log10([max(row["nonzeros"], 1) for row in found])
    errors = 100 * np.array([row["val_error"] for row in found])
    return float(np.ptp(sizes)), [
        one.name,
        f"{np.ptp(sizes):.2f}",
        f"{np.std(sizes):.2f}",
        f"{np.ptp(errors):.2f}",
        f"{asked - len(found)} of {asked}",
        " ".join(f"{size:,}" for size in whole),
        f"{max(short):.2f}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="+", type=Path)
    parser.add_argument("--halves", type=int, default=20)
    given = parser.parse_args()
    snapshots = [load_study(folder) for folder in given.studies]
    rows = [measure(one, snapshots, given.halves) for one in contestants(snapshots[0])]
    header = (
        *("rule", "range of log10(nonzeros)", "sd", "range of error, points", "no knee"),
        *("nonzeros on whole fronts", "most below the dense network, points"),
    )
    print(table(header, [row for _, row in sorted(rows, key=lambda row: row[0])]))


if __name__ == "__main__":
    main()
