"""How is a comparison asked for? Studies, the data to measure on, and where its picture goes."""

from pathlib import Path

import typer

from paretoprune.cli.options import JSON, SPLIT


def compare(
    studies: list[Path] = typer.Argument(
        metavar="STUDY...", help="Folders of studies.", show_default=False
    ),
    output: Path | None = typer.Option(
        None,
        "-o",
        "--output",
        help="Picture: .png, .svg or .pdf (default: STUDY/compare.png, compare.png for several)",
    ),
    split: str = SPLIT,
    as_json: bool = JSON,
) -> None:
    """Compare the front with SMGD, and studies with each other: distances, hypervolume, cost."""
    from paretoprune.compare import compare as compare_studies
    from paretoprune.console.compare import show_comparison
    from paretoprune.plot.cost import draw_cost
    from paretoprune.reading import read_study

    path = output or (studies[0] if len(studies) == 1 else Path()) / "compare.png"
    comparison = compare_studies([read_study(study) for study in studies], split)
    draw_cost(comparison, path)
    show_comparison(comparison, path, as_json=as_json)
