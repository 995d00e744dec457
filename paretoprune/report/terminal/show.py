"""Printed output of `show`: the front or all runs as a table, JSON or comma-separated values."""

import json
import shlex

import pandas as pd

from paretoprune.analysis.choice import find_knee
from paretoprune.analysis.snapshot import StudySnapshot
from paretoprune.errors import printable
from paretoprune.report.documents import in_order, points_csv, points_document
from paretoprune.report.terminal import out
from paretoprune.report.terminal.tables import points_table, sizes_table, trade_off
from paretoprune.training.methods import label_of

COMPACT = "Zeros alone make no dense kernel faster: `{}` removes what is dead."


def show_points(snapshot: StudySnapshot, *, everything: bool, form: str) -> None:
    """Print the front, or all runs if `everything`; `form` is `table`, `json` or `csv`."""
    if form == "json":
        print(json.dumps(points_document(snapshot, everything), indent=2, ensure_ascii=False))
    elif form == "csv":
        print(points_csv(snapshot, everything), end="")
    else:
        knee = find_knee(snapshot)
        rows = in_order(snapshot.points) if everything else knee.front
        title = "All runs" if everything else "The front (chosen on validation data)"
        if not everything and not snapshot.has_search:
            label = label_of(snapshot.plan.settings.method)
            rows, title = in_order(snapshot.networks), f"{label} (validation data)"
        quality = snapshot.plan.measured.quality
        out.print(points_table(rows, knee.network, title, metric=quality))
        sizes = None if everything else sizes_table(rows, knee.network)
        if sizes is not None:
            command = shlex.join(["paretoprune", "export", str(snapshot.folder), "--compact"])
            out.print("", sizes, COMPACT.format(command), sep="\n", soft_wrap=True)
        for _, row in snapshot.points[snapshot.points["failure"] != ""].iterrows():
            log = f", log in {snapshot.folder}/{row['log']}" if pd.notna(row["log"]) else ""
            failure = f"{trade_off(row, 'λ = ')}, seed {row['seed']}: {row['failure']}{log}"
            out.print(printable(failure), soft_wrap=True)
        if not len(rows):
            out.print("no network yet that learnt anything")
