"""What does a user see on a terminal? What a command prints is in the file of its name.

Answers go to stdout, progress to stderr; where stderr is no terminal, plain lines now and then.
"""

from rich.console import Console


class ProgressConsole(Console):
    """On stderr; a broken pipe there is an error to be caught, not the end of the program."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


out = Console(highlight=False, markup=False, emoji=False)
err = ProgressConsole(stderr=True, highlight=False, markup=False, emoji=False)
