"""What commands share: declarations of options, the given options, the end by Ctrl-C."""

import contextlib
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

import typer

from paretoprune.runner.executors.ray import RayConfig
from paretoprune.study.settings import DATA_VARIABLE, Budget, Settings
from paretoprune.study.validation import option_of

PROBLEM, TRAINING, SEARCH, PLACE = "Problem", "Training", "Search and budget", "Place"
COMPARISON, CLUSTER = "Comparison with SMGD", "Cluster"
INTERRUPTED = 130
DATA_HELP = "Where data are, or go (default: ~/.cache/paretoprune)"

STUDY = typer.Argument(metavar="STUDY", help="Folder of a study.", show_default=False)
STUDIES = typer.Argument(metavar="STUDY...", help="Folders of studies.", show_default=False)
JSON = typer.Option(False, "--json", help="Print one JSON document instead.")
DATA_DIR = typer.Option(
    None, "--data-dir", help=DATA_HELP, envvar=DATA_VARIABLE, show_default=False
)
SPLIT = typer.Option("validation", help="Values on validation | test (default: validation)")


def option(panel: str, text: str, *names: str, **more: Any) -> Any:
    """An option of `sweep`: `None` where it is not given, so that the study can decide."""
    return typer.Option(None, *names, help=text, rich_help_panel=panel, show_default=False, **more)


def given(context: typer.Context, kind: type[Settings | Budget | RayConfig]) -> dict[str, Any]:
    """The fields of `kind` that the user gave as options."""
    named = {field.name: context.params.get(field.name) for field in fields(kind)}
    return {name: value for name, value in named.items() if value is not None}


def place_of(params: Mapping[str, Any]) -> list[str]:
    """The options that say where a sweep is trained: the command that goes on needs them too."""
    names = ("data_dir", "device", "executor", *(field.name for field in fields(RayConfig)))
    words = [f"{option_of(name)}={params[name]}" for name in names if params[name] is not None]
    return [*words, *(["--async"] if params["is_async"] else [])]


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C, and the SIGTERM of a batch system, end in a sentence and an exit code."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        # CPython notes an interrupt that passes through an exec of a string (imports run some) and
        # dies of it at its end, although it is caught here; the next exec forgets it
        exec("")
        print(
            "\ninterrupted: every finished fleet is kept, and every epoch of a long one; the same "
            "command goes on",
            file=sys.stderr,
        )
        raise typer.Exit(INTERRUPTED) from None
    finally:
        signal.signal(signal.SIGTERM, before)
