"""Command `show`: the front or all runs, as a table, JSON or CSV."""

from pathlib import Path

import typer

from paretoprune.cli.options import JSON, STUDY
from paretoprune.errors import UsageError


def show(
    study: Path = STUDY,
    everything: bool = typer.Option(False, "--all", help="All runs, not only the front."),
    as_json: bool = JSON,
    as_csv: bool = typer.Option(False, "--csv", help="Print comma-separated values instead."),
) -> None:
    """Print the front, or all runs, as a table."""
    if as_json and as_csv:
        raise UsageError("--json and --csv exclude each other: give one of them")
    from paretoprune.analysis.snapshot import load_study
    from paretoprune.report.terminal.show import show_points

    form = "json" if as_json else "csv" if as_csv else "table"
    show_points(load_study(study), everything=everything, form=form)
