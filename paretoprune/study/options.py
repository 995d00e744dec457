"""Options: each is declared once, as a field of a dataclass, and all its uses follow.

The range check and its message, the command line of `sweep` and `check`, the signature of
`paretoprune.sweep` and docs/cli.md follow from the declaration; for options of the training, the
fields of a run do too. Loads no torch.
"""

import difflib
import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import Field, dataclass, field, fields
from functools import cache
from keyword import iskeyword
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

from paretoprune.errors import UsageError

# Headings of the help, in their order. Those of methods stand before the place.
PROBLEM, TRAINING, SEARCH = "Problem", "Training", "Search and budget"
PLACE, CLUSTER = "Place", "Cluster"
PANELS = (PROBLEM, TRAINING, SEARCH, PLACE, CLUSTER)
KINDS = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    bool: "True or False",
    Path: "a path",
}
# Options that are not called like the fields that they set.
OPTION_OF = {"learning_rate": "--lr", "round_size": "--round", "asynchronous": "--async"}


Declared = TypeVar("Declared")


def option_of(name: str) -> str:
    """Return the command-line option that sets the field of this name."""
    return OPTION_OF.get(name, f"--{name.replace('_', '-')}")


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


@dataclass(frozen=True)
class Rule:
    """A rule for the values of an option.

    Attributes:
        holds: whether a value, which has the type of the option, keeps the rule.
        words: the rule, as the end of "it must be ...".
        choices: the possible values; empty for a range.
    """

    holds: Callable[[Any], bool]
    words: str = ""
    choices: tuple[str, ...] = ()


def within(least: float, most: float, words: str = "") -> Rule:
    """Return the rule that a number lies between `least` and `most`, both included."""
    return Rule(lambda value: least <= value <= most, words or f"from {least:.10g} to {most:.10g}")


def at_least(least: float, words: str = "") -> Rule:
    """Return the rule that a number is finite and not less than `least`."""
    return Rule(lambda value: least <= value < math.inf, words or f"{least:g} or more")


def one_of(choices: tuple[str, ...]) -> Rule:
    """Return the rule that a text is one of `choices`."""
    return Rule(choices.__contains__, choices=choices)


@dataclass(frozen=True, kw_only=True)
class Option:
    """An option of a sweep.

    Attributes:
        name: the name of the field that it sets.
        kind: the type of its values.
        default: the value that it has unless something else is given or suits better.
        help: the help text.
        panel: the heading under which the help lists it.
        valid: the rule for its values, if there is one.
        parse: reads a value that is given as text; `None` for texts and numbers.
        off: the option that switches it off, such as `--no-split`.
        envvar: the environment variable that can hold its value.
        of_run: the field of a run that takes its value; empty if it is not part of a run.
        of_search: whether only a search reads it.
        in_check: whether `check` takes it too.
        is_repeated: whether the command that continues a sweep must repeat it.
    """

    name: str
    kind: type
    default: object
    help: str
    panel: str
    valid: Rule | None = None
    parse: Callable[[str], Any] | None = None
    off: str = ""
    envvar: str = ""
    of_run: str = ""
    of_search: bool = False
    in_check: bool = False
    is_repeated: bool = False

    @property
    def typed(self) -> str:
        """The option as it is typed, such as `--lr`."""
        return option_of(self.name)

    @property
    def keyword(self) -> str:
        """The name of the argument in Python, such as `lr`."""
        typed = self.typed.lstrip("-").replace("-", "_")
        return self.name if iskeyword(typed) else typed

    def require(self, value: Any) -> None:
        """Raise `UsageError` if a value has another type or breaks the rule; `None` is no value."""
        if value is None:
            return
        fitting = (int, float) if self.kind is float else self.kind
        if not isinstance(value, fitting) or isinstance(value, bool) != (self.kind is bool):
            raise UsageError(f"{self.typed} is {value!r}: it must be {KINDS[self.kind]}")
        if self.valid is not None and self.valid.choices:
            choose(str(value), self.valid.choices, self.typed)
        elif self.valid is not None:
            require(self.valid.holds(value), self.typed, value, self.valid.words)

    def read(self, value: Any) -> Any:
        """Return the value of an argument in Python, where numbers and paths have many types."""
        if self.parse is not None and isinstance(value, (str, list, tuple)):
            return self.parse(value if isinstance(value, str) else ",".join(map(str, value)))
        if self.kind in (str, Path) and isinstance(value, (os.PathLike, str)):
            return self.kind(value)
        if self.kind is bool and type(value).__module__ == "numpy":
            return bool(value)
        if isinstance(value, bool) or not isinstance(value, Real):
            return value
        if self.kind is int and isinstance(value, Integral):
            return int(value)
        if self.kind is float:
            try:
                return float(value)
            except OverflowError:  # a whole number that is larger than any float
                return math.inf
        return value


def option(default: Any, help_: str, panel: str, **more: Any) -> Any:
    """Declare a field of a dataclass as an option.

    Args:
        default: the value if it is not given, and nothing else has a better one.
        help_: the help text.
        panel: the heading under which the help lists it.
        more: further attributes of `Option`.
    """
    return field(default=default, metadata={"option": {"help": help_, "panel": panel, **more}})


@cache
def options_of(kind: type) -> tuple[Option, ...]:
    """Return the options that a dataclass declares, in their order."""
    hints = get_type_hints(kind)
    declared: list[Field[Any]] = [each for each in fields(kind) if "option" in each.metadata]
    return tuple(
        Option(
            name=each.name,
            kind=next(iter(get_args(hints[each.name])), hints[each.name]),
            default=each.default,
            **each.metadata["option"],
        )
        for each in declared
    )


def require_valid(values: Any) -> None:
    """Raise `UsageError` if a field of a dataclass breaks the rule of its option."""
    kind: type = type(values)
    for each in options_of(kind):
        each.require(getattr(values, each.name))


def in_panels(options: Iterable[Option]) -> list[Option]:
    """Return options in the order of their panels, those of methods before the place."""
    ranks = {panel: rank for rank, panel in enumerate(PANELS)}
    of_methods = ranks[PLACE] - 0.5
    return sorted(options, key=lambda each: ranks.get(each.panel, of_methods))


def from_values(kind: Callable[..., Declared], values: Mapping[str, Any]) -> Declared:
    """Return settings or a budget with the given values, of which some are of methods."""
    names = set(get_type_hints(kind)) - {"further"}
    known = {name: value for name, value in values.items() if name in names}
    further = sorted((name, value) for name, value in values.items() if name not in names)
    return kind(**known, further=tuple(further))


def values_of(declared: Any) -> dict[str, Any]:
    """Return the values of settings or of a budget by name, those of methods included."""
    values = {each.name: getattr(declared, each.name) for each in fields(declared)}
    return values | dict(values.pop("further"))
