"""The command line: parse, call one library function, print.

Heavy imports happen inside the commands, so that `--help` is quick.
"""

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer

from paretoprune import __version__
from paretoprune.errors import UsageError
from paretoprune.recipes import suited
from paretoprune.settings import (
    AUTO,
    Budget,
    Settings,
    parse_duration,
    parse_fleet,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

PROBLEM, TRAINING, SEARCH, PLACE = "Problem", "Training", "Search and budget", "Place"
INTERRUPTED = 130
DATA_HELP, DATA_VARIABLE = (
    "Where data are, or go (default: ~/.cache/paretoprune)",
    "PARETOPRUNE_DATA",
)


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
    dataset: str = option(
        PROBLEM, "digits | mnist | fashion-mnist | cifar10 | folder:PATH (default: digits)"
    ),
    model: str = option(
        PROBLEM, f"auto | mlp | lenet5 | lenet5-caffe | vgg (default: {suited('model')})"
    ),
    prunable: str = option(
        PROBLEM, "Layers whose weights count: linear | conv | all (default: linear)"
    ),
    complexity: str = option(PROBLEM, "Second objective: l1, the sum of |w| (default: l1)"),
    validation: float = option(PROBLEM, "Share of training images for validation (default: 0.1)"),
    image_size: int = option(
        PROBLEM, "Side of folder images in pixels (default: the smallest side, at most 64)"
    ),
    inputs: str = option(
        PROBLEM, f"unit, in [0, 1] | standard, z-scored (default: {suited('inputs', 'unit')})"
    ),
    recipe: str = option(
        TRAINING, "own | paper: the authors' settings and literal constants (default: own)"
    ),
    epochs: int = option(TRAINING, f"Epochs of a run (default: {suited('epochs')})"),
    batch_size: int = option(TRAINING, f"Images a step (default: {suited('batch_size')})"),
    optimizer: str = option(TRAINING, "adam | sgd | rmsprop (default: adam)"),
    learning_rate: float = option(
        TRAINING,
        f"Learning rate at the start (default, with adam: {suited('learning_rate')})",
        "--lr",
    ),
    momentum: float = option(TRAINING, "Of sgd and rmsprop (default: 0.9 for sgd, else 0)"),
    l2_conv: float = option(
        TRAINING, "Factor of the convolutions' sum of squares, beside the weighted sum (default: 0)"
    ),
    schedule: str = option(TRAINING, "Of the rate: cosine | constant | logistic (default: cosine)"),
    threshold: float = option(
        TRAINING, "After each step a weight up to this size is 0 (default: 0.001)"
    ),
    seed: int = option(TRAINING, "Of weights, validation split and order (default: 0)"),
    search: str = option(
        SEARCH,
        "Which λ next: knee | grid | bisection | dichotomic | stochastic-dichotomic "
        "(default: knee)",
    ),
    max_runs: int = option(SEARCH, "Total of runs, for each seed (default: 20)"),
    round_size: int = option(SEARCH, "Runs proposed at once (default: 8)", "--round"),
    tolerance: float = option(SEARCH, "Gain under which an interval closes (default: 0.0005)"),
    repeats: int = option(SEARCH, "Seeds for each λ: so many times the runs (default: 1)"),
    time_budget: str = option(SEARCH, "Begin no round that would exceed it: 90s, 10m, 1.5h"),
    keep_weights: str = option(
        PLACE,
        "Weights to keep: front | all | none | auto, all up to 1 GB, then the front's "
        "(default: auto)",
    ),
    fleet: int = option(
        PLACE, "Networks trained together: auto | K (default: auto)", parser=parse_fleet
    ),
    device: str = option(PLACE, "auto | cpu | cuda (default: auto)"),
    data_dir: Path = option(PLACE, DATA_HELP, envvar=DATA_VARIABLE),
) -> None:
    """Approximate the front between loss and weight complexity, and draw it.

    The same command goes on after an interruption; a larger --max-runs goes on further.
    """
    budget = given(context, Budget)
    Budget(**budget)  # refuses what is out of range before torch is loaded
    seconds = None if time_budget is None else parse_duration(time_budget)
    with interruptible():
        from paretoprune.console import show_sweep
        from paretoprune.study import Request

        request = Request(
            folder=study,
            settings=given(context, Settings),
            budget=budget,
            time_budget=seconds,
            device=device or AUTO,
            data_dir=data_folder(data_dir),
        )
        given_place = {"--data-dir": data_dir, "--device": device}
        place = [f"{name}={value}" for name, value in given_place.items() if value]
        failures = show_sweep(request, place)
    raise typer.Exit(3 if failures else 0)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C ends in a sentence and an exit code."""
    try:
        yield
    except KeyboardInterrupt:
        # CPython notes an interrupt that passes through an exec of a string (imports run some) and
        # dies of it at its end, although it is caught here; the next exec forgets it
        exec("")
        print(
            "\ninterrupted: every finished fleet is kept, the same command goes on",
            file=sys.stderr,
        )
        raise typer.Exit(INTERRUPTED) from None


def data_folder(data_dir: Path | None) -> Path:
    """Where data are: what the user says, or a cache."""
    return (data_dir or Path("~/.cache/paretoprune")).expanduser()


def given(context: typer.Context, kind: type[Settings] | type[Budget]) -> dict[str, Any]:
    """The fields of `kind` that the user gave as options."""
    named = {field.name: context.params.get(field.name) for field in fields(kind)}
    return {name: value for name, value in named.items() if value is not None}


STUDY = typer.Argument(metavar="STUDY", help="Folder of a study.", show_default=False)
JSON = typer.Option(False, "--json", help="Print one JSON document instead.")
DATA_DIR = typer.Option(
    None, "--data-dir", help=DATA_HELP, envvar=DATA_VARIABLE, show_default=False
)
SPLIT = typer.Option("validation", help="Values on validation | test (default: validation)")


@app.command()
def knee(
    study: Path = STUDY,
    rule: str | None = typer.Option(
        None,
        help="chord | weight-interval | angle | tradeoff | hypervolume | one-se (default: chord)",
    ),
    axes: str | None = typer.Option(
        None, help="loss,complexity | error,nonzeros (default: the first that the rule knows)"
    ),
    is_log: bool | None = typer.Option(
        None,
        "--log/--linear",
        help="Scale of the axes: --log | --linear (default: the first that the rule knows)",
        show_default=False,
    ),
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
    confirm: bool = typer.Option(
        False, "--confirm", help="Train the choice for the full epochs: does it hold?"
    ),
    epochs: int | None = typer.Option(
        None, help="Of the confirmation (default: three times the sweep's)"
    ),
    device: str | None = typer.Option(
        None, help="Of the confirmation: auto | cpu | cuda (default: auto)"
    ),
    data_dir: Path | None = DATA_DIR,
    as_json: bool = JSON,
) -> None:
    """Report the knee of the front, or the network that fulfils a wish; chosen on validation."""
    wishes = [text for text in (rule, at_least, at_most) if text is not None]
    if len(wishes) > 1:
        raise UsageError("--rule, --at-least and --at-most exclude each other: give one of them")
    if rule is None and wishes and (axes is not None or is_log is not None):
        raise UsageError(
            "--axes, --log and --linear are of knee rules: leave them out with --at-least and "
            "--at-most, whose front follows from what they bound"
        )
    if not confirm and (epochs is not None or device is not None):
        raise UsageError("--epochs and --device are of a confirmation: give --confirm too")
    from paretoprune.console import confirm_choice, show_choice
    from paretoprune.knee.wish import parse_wish
    from paretoprune.reading import find_knee, find_wish, read_study

    reading = read_study(study)
    if at_least is not None or at_most is not None:
        wish = parse_wish(wishes[0], is_lower=at_least is not None)
        choice = find_wish(reading, wish)
    else:
        scale = None if is_log is None else "log" if is_log else "linear"
        choice = find_knee(reading, *wishes, axes=axes, scale=scale)
    if not confirm:
        show_choice(reading, choice, None, as_json=as_json)
        return
    with interruptible():
        confirmation = confirm_choice(
            reading, choice, epochs, device or AUTO, data_folder(data_dir)
        )
    show_choice(reading, choice, confirmation, as_json=as_json)
    raise typer.Exit(0 if confirmation.is_done else 3)


@app.command()
def plot(
    studies: list[Path] = typer.Argument(
        metavar="STUDY...", help="Folders of studies.", show_default=False
    ),
    output: Path | None = typer.Option(
        None,
        "-o",
        "--output",
        help="Picture: .png, .svg or .pdf (default: STUDY/KIND.png, fronts.png for several)",
    ),
    kind: str = typer.Option("front", help="front | layers | history (default: front)"),
    split: str = SPLIT,
) -> None:
    """Draw the front of one or several studies, or the layers or the history of one."""
    from paretoprune.plot import draw_studies
    from paretoprune.reading import read_study

    path = output or (studies[0] / f"{kind}.png" if len(studies) == 1 else Path("fronts.png"))
    draw_studies([read_study(study) for study in studies], path, split, kind)
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
