"""Validation of options: messages that name the option and say what to change."""

import difflib
from collections.abc import Iterable

from paretoprune.errors import UsageError

OPTION_OF = {"learning_rate": "--lr", "round_size": "--round"}


def option_of(field: str) -> str:
    """Return the command-line option that sets a field."""
    return OPTION_OF.get(field, f"--{field.replace('_', '-')}")


def choose(name: str, choices: Iterable[str], option: str, also: str = "") -> str:
    """Return `name` if it is one of `choices`; else raise `UsageError` with the nearest one.

    The message also mentions `option`, and `also`, a further form that the name may have.
    """
    known = list(choices)
    if name in known:
        return name
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}? " if near else ""
    other = f", or {also}" if also else ""
    raise UsageError(f"{option} {name} is unknown: {hint}Choose from {', '.join(known)}{other}")


def require(holds: bool, option: str, value: object, rule: str) -> None:
    """Raise `UsageError`, saying that the `value` of `option` breaks `rule`, unless it `holds`."""
    if not holds:
        raise UsageError(f"{option} {value} is out of range: it must be {rule}")
