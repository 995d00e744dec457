"""Template of runs: a run with the values of a study's settings."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from paretoprune.study.options import options_of, values_of
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
