"""Methods: how one run trades the objectives off, one file per method. Loads no torch.

A new method is a file with a `Method` and a line in `METHODS`.
"""

from collections.abc import Iterator
from dataclasses import replace

from paretoprune.study.column import Column
from paretoprune.study.columns import COLUMNS
from paretoprune.study.options import Option, options_of
from paretoprune.study.plan import Budget, Plan, column_of
from paretoprune.study.settings import Settings
from paretoprune.training.methods.method import Method
from paretoprune.training.methods.smgd import SMGD
from paretoprune.training.methods.weighted_sum import WEIGHTED_SUM

__all__ = [
    "METHODS",
    "Method",
    "further_columns",
    "gradient_weights",
    "label_of",
    "method_options",
    "step_rule",
    "study_options",
    "training_options",
]

METHODS: dict[str, Method] = {method.name: method for method in (WEIGHTED_SUM, SMGD)}


def label_of(name: str) -> str:
    """Return how texts and figures name a method; one of a newer version by its name."""
    return METHODS[name].label if name in METHODS else name


def further_columns(plan: Plan) -> tuple[Column, ...]:
    """Return the columns that the methods of a plan add to the table.

    They are those that the methods declare, and those of their options that belong to runs.
    """
    chosen = METHODS[plan.settings.method]
    used = [chosen, *(each for each in METHODS.values() if each is not chosen and each.runs(plan))]
    options = [
        option
        for method in used
        for kind in (method.settings, method.budget)
        if kind is not None
        for option in options_of(kind)
    ]
    of_runs = (column_of(each) for each in options if each.of_run and each.of_run not in COLUMNS)
    return (*(column for method in used for column in method.columns), *of_runs)


def training_options(plan: Plan) -> list[str]:
    """Return the options of `sweep` that train runs of further methods for comparison."""
    missing = [method for method in METHODS.values() if method.training and not method.runs(plan)]
    return [word for method in missing for word in method.training]


def method_options(kind: type[Settings | Budget]) -> dict[str, tuple[Option, Method]]:
    """Return the options that methods declare for settings or for budgets, by field name."""
    side = "settings" if kind is Settings else "budget"
    declared = ((method, getattr(method, side)) for method in METHODS.values())
    return {
        each.name: (each, method)
        for method, options in declared
        if options is not None
        for each in options_of(options)
    }


def study_options() -> Iterator[Option]:
    """Yield the options that a study stores: those of `Settings`, `Budget` and the methods."""
    choices = " | ".join(
        name if method.has_lam else f"{name}, without a search" for name, method in METHODS.items()
    )
    for each in options_of(Settings):
        choice = each.name == "method"
        yield replace(each, help=f"{choices} (default: {each.default})") if choice else each
    yield from options_of(Budget)
    for kind in (Settings, Budget):
        yield from (each for each, _ in method_options(kind).values())
