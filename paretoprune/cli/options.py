"""Shared parts of the commands: declarations of options, given options, and interruption."""

import contextlib
import signal
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import typer

from paretoprune.runner.place import DATA_HELP
from paretoprune.study.options import Option, options_of
from paretoprune.study.plan import Budget
from paretoprune.study.settings import DATA_VARIABLE, Settings
from paretoprune.training.methods import method_options

INTERRUPTED = 130

STUDY = typer.Argument(metavar="STUDY", help="Folder of a study.", show_default=False)
STUDIES = typer.Argument(metavar="STUDY...", help="Folders of studies.", show_default=False)
JSON = typer.Option(False, "--json", help="Print one JSON document instead.")
DATA_DIR = typer.Option(
    None, "--data-dir", help=DATA_HELP, envvar=DATA_VARIABLE, show_default=False
)
SPLIT = typer.Option("validation", help="Values on validation | test (default: validation)")


def given(options: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """Return the values of the dataclass `kind` that the user gave as options, by field name."""
    values = {each.name: options.get(each.name) for each in options_of(kind)}
    return {name: value for name, value in values.items() if value is not None}


def given_settings(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that the user gave, those of methods included, by field name."""
    return given(options, Settings) | _of_methods(options, Settings)


def given_budget(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the budget that the user gave, those of methods included, by field name.

    Raises `UsageError` for a value out of range, before torch is loaded.
    """
    own, of_methods = given(options, Budget), _of_methods(options, Budget)
    Budget(**own)
    for name, (option, _) in method_options(Budget).items():
        option.require(of_methods.get(name))
    return own | of_methods


def _of_methods(options: Mapping[str, Any], kind: type[Settings | Budget]) -> dict[str, Any]:
    values = {name: options.get(name) for name in method_options(kind)}
    return {name: value for name, value in values.items() if value is not None}


def place_of(declared: Iterable[Option], options: Mapping[str, Any]) -> list[str]:
    """Return the given options that the study does not store, as words of a command.

    The command that continues the sweep needs them too.
    """
    chosen = [each for each in declared if each.is_repeated and options[each.name] is not None]
    return [
        *(f"{each.typed}={options[each.name]}" for each in chosen if each.kind is not bool),
        *(each.typed for each in chosen if options[each.name] is True),
    ]


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
