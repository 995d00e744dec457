"""Command `export`: the network of a run, written to a file."""

from pathlib import Path

import typer

from paretoprune.cli.options import DATA_DIR, JSON, STUDY
from paretoprune.study.parsing import AUTO
from paretoprune.study.settings import data_folder


def export(
    study: Path = STUDY,
    output: Path = typer.Option(..., "-o", "--output", help="File: .safetensors, .pt2 or .onnx"),
    run: str = typer.Option("knee", help="knee | id of a run, or its beginning (default: knee)"),
    compact: bool = typer.Option(
        False, "--compact", help="Remove neurons and filters that pruning made dead."
    ),
    timed: bool = typer.Option(
        True, "--timed/--not-timed", help="Measure latencies (default: --timed)"
    ),
    device: str = typer.Option(AUTO, help="Where it is checked and timed: auto | cpu | cuda"),
    data_dir: Path | None = DATA_DIR,
    as_json: bool = JSON,
) -> None:
    """Write a network to a file, check it on data, and say how small and how fast it is."""
    from paretoprune.analysis.snapshot import load_study
    from paretoprune.export.export import export as run_export
    from paretoprune.problem.build import Environment
    from paretoprune.report.terminal.export import show_export

    environment = Environment(device=device, data_dir=data_folder(data_dir))
    exported = run_export(
        load_study(study), run, output, environment, is_compact=compact, is_timed=timed
    )
    show_export(exported, as_json=as_json)
