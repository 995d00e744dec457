"""Output on a terminal, with one file per command.

Results go to stdout and progress to stderr. If stderr is not a terminal, progress is printed as
plain lines from time to time.
"""

from rich.console import Console


class ProgressConsole(Console):
    """Console on stderr that raises an error for a broken pipe instead of ending the program."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


out = Console(highlight=False, markup=False, emoji=False)
err = ProgressConsole(stderr=True, highlight=False, markup=False, emoji=False)

__all__ = ["check", "compare", "export", "knee", "live_view", "show", "sweep"]
