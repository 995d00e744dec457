"""Command `compare`: the comparison of one or several studies, printed and drawn."""

from pathlib import Path

import typer

from paretoprune.cli.options import JSON, SPLIT, STUDIES


def compare(
    studies: list[Path] = STUDIES,
    output: Path | None = typer.Option(
        None,
        "-o",
        "--output",
        help="Picture: .png, .svg or .pdf (default: STUDY/compare.png, compare.png for several)",
    ),
    split: str = SPLIT,
    as_json: bool = JSON,
) -> None:
    """Compare a front with other methods and other fronts: distances, hypervolume, cost."""
    from paretoprune.analysis.comparison.compare import compare as compare_studies
    from paretoprune.analysis.snapshot import load_study
    from paretoprune.report.plots import require_picture
    from paretoprune.report.plots.hypervolume_trace import draw_cost
    from paretoprune.report.terminal.compare import show_comparison
    from paretoprune.runner.setup import known_plan
    from paretoprune.training.methods import label_of, training_options

    snapshots = [load_study(study) for study in studies]
    path = output or (studies[0] if len(studies) == 1 else Path()) / "compare.png"
    require_picture(path)

    def training() -> list[str]:
        first = snapshots[0]
        return training_options(known_plan(first.folder, first.plan))

    comparison = compare_studies(snapshots, split, label_of, training)
    show_comparison(comparison, path, as_json=as_json)  # before a picture that may fail
    draw_cost(comparison, path)
