"""The reference of the command line, written from the program's declarations.

`python -m tests.support.command_reference` writes docs/cli.md anew."""

import typer

from paretoprune.cli import app
from tests.support.checkout import ROOT

COMMAND = typer.main.get_command(app)
REFERENCE = ROOT / "docs" / "cli.md"


def reference() -> str:
    """docs/cli.md, from the declarations of the commands."""
    lines = [
        "# The command line",
        "",
        "Written by `python -m tests.support.command_reference` from the program's own",
        "declarations; exit codes: 0 done, 1 could not be done, 2 wrong use, 3 done with failed or",
        "diverged runs, 4 study corrupt or from a newer version, 5 another process works on the",
        "study, 130 interrupted.",
        "",
    ]
    for name, command in COMMAND.commands.items():
        lines += [f"## paretoprune {name}", "", " ".join((command.help or "").split()), ""]
        for parameter in command.params:
            if parameter.name != "help":
                lines.append(f"- {spelling(parameter)}: {plain(parameter.help)}")
        lines.append("")
    return "\n".join(lines)


def plain(text) -> str:
    """A help text without the backslashes that hide brackets from rich."""
    return text.replace("\\[", "[")


def spelling(parameter) -> str:
    if parameter.param_type_name == "argument":
        return f"`{parameter.name.upper()}{'...' if parameter.nargs < 0 else ''}`"
    names = [*parameter.opts, *parameter.secondary_opts]
    return ", ".join(f"`{option}`" for option in names)


if __name__ == "__main__":
    REFERENCE.write_text(reference())
