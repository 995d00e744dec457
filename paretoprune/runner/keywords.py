"""Keyword arguments of `paretoprune.sweep`, from the declarations of options."""

import inspect
from collections.abc import Callable, Mapping
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any

from paretoprune.errors import UsageError
from paretoprune.runner.executors.ray import RayConfig
from paretoprune.runner.place import Place
from paretoprune.study.options import Option, choose, in_panels, options_of
from paretoprune.study.plan import Budget
from paretoprune.study.settings import Settings
from paretoprune.training.methods import method_options, study_options

ARGUMENTS = ("dataset", "model", "loss")  # options for which `sweep` has arguments of its own
OTHERS = ("data", "out", "progress")  # its arguments that are no options


def keywords() -> list[Option]:
    """Return the options that are keyword arguments, in the order of their panels."""
    declared = (*study_options(), *options_of(Place), *options_of(RayConfig))
    return in_panels(each for each in declared if each.name not in ARGUMENTS)


def read_options(named: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of options by field name.

    Args:
        named: the values of `ARGUMENTS` that are given.
        options: the keyword arguments, by the names of options or of their fields; `None` stands
            for an option that is not given.

    Raises:
        UsageError: if an option is unknown or given twice, or has a value of another type.
    """
    known = {name: each for each in keywords() for name in (each.keyword, each.name)}
    arguments = {each.name: each for each in study_options() if each.name in ARGUMENTS}
    names = dict.fromkeys([*OTHERS, *ARGUMENTS, *(each.keyword for each in keywords())])
    given = dict(named)
    for name, value in options.items():
        if name not in known and name not in arguments:
            choose(name, [each for each in names if each != name], "option")
        option = known.get(name) or arguments[name]
        if option.name in given:
            raise UsageError(f"{name} is given twice, also under another name: give it once")
        read = option.read(value)
        option.require(read)
        if read is not None:
            given[option.name] = read
    return given


def of_kind(kind: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given values that belong to the dataclass `kind`, or to methods' part of it."""
    names = {each.name for each in options_of(kind)}
    if kind in (Settings, Budget):
        names |= method_options(kind).keys()
    return {name: value for name, value in given.items() if name in names}


def kinds_of(option: Option) -> list[type]:
    """Return the types that an argument in Python may have, `None` aside."""
    also = [str] if option.parse is not None or option.kind is Path else []
    paths = [Path] if option.name == "init" else []
    return list(dict.fromkeys([option.kind, *also, *paths]))


def list_options(function: Callable[..., Any]) -> None:
    """Replace `**options` in a function's signature by the options, and list them in its docs."""
    declared = keywords()
    own = inspect.signature(function)
    parameters = [p for p in own.parameters.values() if p.kind is not p.VAR_KEYWORD]
    parameters += [
        inspect.Parameter(
            each.keyword,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=reduce(or_, [*kinds_of(each), None]),
        )
        for each in declared
    ]
    function.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    lines = [f"    {each.keyword}: {each.help}" for each in declared]
    function.__doc__ = "\n".join([inspect.getdoc(function) or "", "", "Options:", *lines])
