"""Command `plot`: a picture of one or several studies."""

from pathlib import Path

import typer

from paretoprune.cli.options import SPLIT, STUDIES
from paretoprune.study.columns import size_axes

AXES = [f"error,{size}" for size in size_axes()]


def plot(
    studies: list[Path] = STUDIES,
    output: Path | None = typer.Option(
        None,
        "-o",
        "--output",
        help="Picture: .png, .svg or .pdf (default: STUDY/KIND.png, fronts.png for several)",
    ),
    kind: str = typer.Option("front", help="front | layers | history (default: front)"),
    axes: str = typer.Option(
        "error,nonzeros",
        help=f"Right panel of a front: {' | '.join(AXES)} (default: error,nonzeros)",
    ),
    split: str = SPLIT,
) -> None:
    """Draw the front of one or several studies, or the layers or the history of one."""
    from paretoprune.analysis.snapshot import load_study
    from paretoprune.report.plots import draw_studies

    path = output or (studies[0] / f"{kind}.png" if len(studies) == 1 else Path("fronts.png"))
    draw_studies([load_study(study) for study in studies], path, split, kind, axes)
    print(path)
