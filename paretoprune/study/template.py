"""Template of runs: a run with the values of a study's settings."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from paretoprune.study.options import Option, options_of, values_of
from paretoprune.study.run import Run
from paretoprune.study.settings import Settings

FIELDS = {each.name for each in fields(Run)}


def run_template(
    settings: Settings, method: str, lam: float | None, declared: Sequence[type] = ()
) -> Run:
    """Return a run with the values of the options that belong to runs.

    Args:
        settings: The settings of the study.
        method: The name of the method.
        lam: The λ of the run; `None` for a method without one.
        declared: Dataclasses with the method's own options.
    """
    values = values_of(settings)
    known: dict[str, Any] = {}
    further: dict[str, object] = {}
    for option in (each for kind in (Settings, *declared) for each in options_of(kind)):
        value = values.get(option.name, option.default)
        if option.of_run in FIELDS:
            known[option.of_run] = value
        elif option.of_run and value != option.default:
            further[option.of_run] = value
    return Run(method=method, lam=lam, options=tuple(sorted(further.items())), **known)


def option_value(run: Run, option: Option) -> Any:
    """Return the value of an option in a run: of its field, of its options, or the default.

    The behaviour of an option reads its value here, so that its default is declared once.
    """
    if option.of_run in FIELDS:
        return getattr(run, option.of_run)
    return dict(run.options).get(option.of_run, option.default)


def option_named(declared: type, name: str) -> Option:
    """Return the option that a dataclass declares under a name."""
    return next(each for each in options_of(declared) if each.name == name)
