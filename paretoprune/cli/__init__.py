"""Command line: the commands of the program. A new command is one file and one line below.

A command parses its options, calls one function of the library and prints the result. Expensive
imports are inside the commands, so that `--help` is fast.
"""

from typing import Annotated

import typer

from paretoprune._version import __version__
from paretoprune.cli.check import check
from paretoprune.cli.compare import compare
from paretoprune.cli.export import export
from paretoprune.cli.knee import knee
from paretoprune.cli.plot import plot
from paretoprune.cli.show import show
from paretoprune.cli.sweep import sweep

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def show_version(wanted: bool) -> None:
    """Print the version and exit, if `--version` is given."""
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
    """Find out how small your network can be, and what each step smaller costs."""


app.command()(sweep)
app.command()(check)
app.command()(knee)
app.command()(plot)
app.command()(show)
app.command()(compare)
app.command()(export)
