"""The command line: parse, call one library function, print, exit code.

Heavy imports happen inside the commands, so that `--help` is quick.
"""

import sys
from dataclasses import fields
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from paretoprune import __version__
from paretoprune.errors import ParetopruneError, UsageError
from paretoprune.settings import AUTO, Budget, Settings, parse_duration

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

PROBLEM, TRAINING, SEARCH, PLACE = "Problem", "Training", "Search and budget", "Place"
INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line; a mistake of the user ends in one sentence and an exit code."""
    for stream in (sys.stdout, sys.stderr):  # λ, where an encoding lacks it, is no reason to fail
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        app(arguments, prog_name="paretoprune")
    except ParetopruneError as error:
        print(f"paretoprune: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:  # no permission, no such place: what no part has put into words
        place = f" ({error.filename})" if error.filename else ""
        print(f"paretoprune: {error.strerror or error}{place}", file=sys.stderr)
        sys.exit(1)
    sys.exit(0)


def parse_fleet(text: str) -> int:
    """Read `--fleet`: `auto` is 0."""
    if text == AUTO:
        return 0
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"--fleet {text} is not auto or a number of networks, such as 4")
    return int(text)


def option(panel: str, text: str, *names: str, **more: Any) -> Any:
    """An option of `sweep`: `None` where it is not given, so that the study can decide."""
    return typer.Option(None, *names, help=text, rich_help_panel=panel, show_default=False, **more)


def show_version(wanted: bool) -> None:
    """Print the version and exit."""
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def paretoprune(
    version: Annotated[
        bool,
        typer.Option("--version", callback=show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """How small can your network be, and what does each step smaller cost?"""


@app.command()
def sweep(
    context: typer.Context,
    study: Path | None = typer.Argument(
        None,
        metavar="STUDY",
        help="Folder to begin or continue (default: DATASET-MODEL).",
        show_default=False,
    ),
    dataset: str = option(PROBLEM, "digits | mnist (default: digits)"),
    model: str = option(PROBLEM, "auto | mlp | lenet5 (default: mlp for digits, else lenet5)"),
    prunable: str = option(
        PROBLEM, "Layers whose weights count: linear | conv | all (default: linear)"
    ),
    complexity: str = option(PROBLEM, "Second objective: l1, the sum of |w| (default: l1)"),
    validation: float = option(PROBLEM, "Share of training images for validation (default: 0.1)"),
    epochs: int = option(TRAINING, "Epochs of a run (default: 50 for digits, 10 for mnist)"),
    batch_size: int = option(TRAINING, "Images a step (default: 32 for digits, 64 for mnist)"),
    optimizer: str = option(TRAINING, "adam (default: adam)"),
    learning_rate: float = option(
        TRAINING, "Learning rate at the start (default: 0.02 for digits, 0.008 for mnist)", "--lr"
    ),
    schedule: str = option(TRAINING, "Of the rate: cosine | constant (default: cosine)"),
    threshold: float = option(
        TRAINING, "After each step a weight up to this size is 0 (default: 0.001)"
    ),
    seed: int = option(TRAINING, "Of weights, validation split and order (default: 0)"),
    search: str = option(SEARCH, "Which λ next: knee | grid (default: knee)"),
    max_runs: int = option(SEARCH, "Total of runs, for each seed (default: 20)"),
    round_size: int = option(SEARCH, "Runs proposed at once (default: 8)", "--round"),
    tolerance: float = option(SEARCH, "Gain under which an interval closes (default: 0.0005)"),
    repeats: int = option(SEARCH, "Seeds for each λ: so many times the runs (default: 1)"),
    time_budget: str = option(SEARCH, "Begin no round that would exceed it: 90s, 10m, 1.5h"),
    fleet: int = option(
        PLACE, "Networks trained together: auto | K (default: auto)", parser=parse_fleet
    ),
    device: str = option(PLACE, "auto | cpu | cuda (default: auto)"),
    data_dir: Path = option(
        PLACE, "Where data are, or go (default: ~/.cache/paretoprune)", envvar="PARETOPRUNE_DATA"
    ),
) -> None:
    """Approximate the front between loss and weight complexity, and draw it.

    The same command goes on after an interruption; a larger --max-runs goes on further.
    """
    budget = given(context, Budget)
    Budget(**budget)  # refuses what is out of range before torch is loaded
    seconds = None if time_budget is None else parse_duration(time_budget)
    try:
        from paretoprune.console import show_sweep
        from paretoprune.study import Request

        request = Request(
            folder=study,
            settings=given(context, Settings),
            budget=budget,
            time_budget=seconds,
            device=device or AUTO,
            data_dir=(data_dir or Path("~/.cache/paretoprune")).expanduser(),
        )
        given_place = {"--data-dir": data_dir, "--device": device}
        place = [f"{name}={value}" for name, value in given_place.items() if value]
        failures = show_sweep(request, place)
    except KeyboardInterrupt:
        print(
            "\ninterrupted: every finished fleet is kept, the same command goes on",
            file=sys.stderr,
        )
        raise typer.Exit(INTERRUPTED) from None
    raise typer.Exit(3 if failures else 0)


def given(context: typer.Context, kind: type[Settings] | type[Budget]) -> dict[str, Any]:
    """The fields of `kind` that the user gave as options."""
    named = {field.name: context.params.get(field.name) for field in fields(kind)}
    return {name: value for name, value in named.items() if value is not None}


STUDY = typer.Argument(metavar="STUDY", help="Folder of a study.", show_default=False)
JSON = typer.Option(False, "--json", help="Print one JSON document instead.")
SPLIT = typer.Option("validation", help="Values on validation | test (default: validation)")


@app.command()
def knee(
    study: Path = STUDY,
    rule: str | None = typer.Option(None, help="chord | weight-interval (default: chord)"),
    at_least: str | None = typer.Option(
        None,
        metavar="NAME=X",
        help="Take the smallest with accuracy=0.98, or the most accurate with sparsity=0.95.",
    ),
    at_most: str | None = typer.Option(
        None,
        metavar="NAME=X",
        help="Take the most accurate with nonzeros=2000 or l1=300, or the smallest with loss=0.1.",
    ),
    as_json: bool = JSON,
) -> None:
    """Report the knee of the front, or the network that fulfils a wish; chosen on validation."""
    wishes = [text for text in (rule, at_least, at_most) if text is not None]
    if len(wishes) > 1:
        raise UsageError("--rule, --at-least and --at-most exclude each other: give one of them")
    from paretoprune.console import show_choice
    from paretoprune.knee.wish import parse_wish
    from paretoprune.reading import find_knee, find_wish, read_study

    reading = read_study(study)
    if at_least is not None or at_most is not None:
        wish = parse_wish(wishes[0], is_lower=at_least is not None)
        choice = find_wish(reading, wish)
    else:
        choice = find_knee(reading, *wishes)
    show_choice(reading, choice, as_json=as_json)


@app.command()
def plot(
    studies: list[Path] = typer.Argument(
        metavar="STUDY...", help="Folders of studies.", show_default=False
    ),
    output: Path | None = typer.Option(
        None,
        "-o",
        "--output",
        help="Picture: .png, .svg or .pdf (default: STUDY/front.png, fronts.png)",
    ),
    split: str = SPLIT,
) -> None:
    """Draw the front of one or several studies: loss against l1, accuracy against nonzeros."""
    from paretoprune.plot import draw_studies
    from paretoprune.reading import read_study

    path = output or (studies[0] / "front.png" if len(studies) == 1 else Path("fronts.png"))
    draw_studies([read_study(study) for study in studies], path, split)
    print(path)


@app.command()
def show(
    study: Path = STUDY,
    everything: bool = typer.Option(False, "--all", help="All runs, not only the front."),
    as_json: bool = JSON,
    as_csv: bool = typer.Option(False, "--csv", help="Print comma-separated values instead."),
) -> None:
    """Print the front, or all runs, as a table."""
    if as_json and as_csv:
        raise UsageError("--json and --csv exclude each other: give one of them")
    from paretoprune.console import show_points
    from paretoprune.reading import read_study

    form = "json" if as_json else "csv" if as_csv else "table"
    show_points(read_study(study), everything=everything, form=form)
