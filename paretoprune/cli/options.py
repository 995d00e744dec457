"""Shared parts of the commands: declarations of options, given options, and interruption."""

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
    """Return a typer option of `sweep` that is `None` if it is not given.

    The value of the study, or its default, takes effect in that case.

    Args:
        panel: Heading of the group of options in the help.
        text: Help text.
        names: Names of the option; those of typer if there are none.
        more: Further arguments of `typer.Option`.
    """
    return typer.Option(None, *names, help=text, rich_help_panel=panel, show_default=False, **more)


def given(context: typer.Context, kind: type[Settings | Budget | RayConfig]) -> dict[str, Any]:
    """Return the values of the dataclass `kind` that the user gave as options, by field name."""
    values = {field.name: context.params.get(field.name) for field in fields(kind)}
    return {name: value for name, value in values.items() if value is not None}


def place_of(params: Mapping[str, Any]) -> list[str]:
    """Return the given options on data folder, device and executor, as words of a command.

    The study does not store them, so the command that continues the sweep needs them too.
    """
    names = ("data_dir", "device", "executor", *(field.name for field in fields(RayConfig)))
    words = [f"{option_of(name)}={params[name]}" for name in names if params[name] is not None]
    return [*words, *(["--async"] if params["is_async"] else [])]


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """End a command with a sentence and an exit code on Ctrl-C, or on SIGTERM of a batch system."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        # CPython records an interrupt that passes through an exec of a string, as in some imports.
        # It would end with SIGINT, although the interrupt is caught here. Another exec resets this.
        exec("")
        print(
            "\ninterrupted: every finished fleet is kept, and every epoch of a long one; the same "
            "command goes on",
            file=sys.stderr,
        )
        raise typer.Exit(INTERRUPTED) from None
    finally:
        signal.signal(signal.SIGTERM, before)
