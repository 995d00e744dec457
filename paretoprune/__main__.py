"""Entry point of the program: `paretoprune`, or `python -m paretoprune`."""

import sys
from io import TextIOWrapper
from typing import NoReturn

from paretoprune.cli import app
from paretoprune.errors import ParetopruneError, printable


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line, and exit.

    A `ParetopruneError` or an `OSError` is printed as one sentence on stderr, without a traceback.

    Args:
        arguments: Arguments of the command line; `None` for those of the process.
    """
    for stream in (sys.stdout, sys.stderr):  # an encoding without λ is no reason to fail
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        app(arguments, prog_name="paretoprune")
    except ParetopruneError as error:
        print(f"paretoprune: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:  # such as a missing permission, which no other code has reported
        path = f" ({error.filename})" if error.filename else ""
        print(printable(f"paretoprune: {error.strerror or error}{path}"), file=sys.stderr)
        sys.exit(1)
    sys.exit(0)


if __name__ == "__main__":
    main()
