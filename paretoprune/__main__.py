"""Where the program begins and ends: `paretoprune`, or `python -m paretoprune`."""

import sys
from io import TextIOWrapper
from typing import NoReturn

from paretoprune.cli import app
from paretoprune.errors import ParetopruneError, printable


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
        print(printable(f"paretoprune: {error.strerror or error}{place}"), file=sys.stderr)
        sys.exit(1)
    sys.exit(0)


if __name__ == "__main__":
    main()
