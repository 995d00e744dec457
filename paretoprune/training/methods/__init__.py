"""Methods: how one run trades the objectives off, one file per method. Loads no torch.

A new method is a file with a `Method` and a line in `METHODS`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from paretoprune.study.column import Column
from paretoprune.study.columns import COLUMNS
from paretoprune.study.options import Option, options_of
from paretoprune.study.plan import Budget, Plan, column_of
from paretoprune.study.run import Run
from paretoprune.study.settings import Settings
from paretoprune.study.template import option_value
from paretoprune.training.methods.magnitude import MAGNITUDE
from paretoprune.training.methods.method import Method
from paretoprune.training.methods.smgd import SMGD
from paretoprune.training.methods.uniform import UNIFORM
from paretoprune.training.methods.weighted_sum import WEIGHTED_SUM

__all__ = [
    "METHODS",
    "Method",
    "columns_of",
    "further_columns",
    "gradient_weights",
    "label_of",
    "method_options",
    "option_columns",
    "place_of",
    "step_rule",
    "study_options",
    "training_options",
]

METHODS: dict[str, Method] = {
    method.name: method for method in (WEIGHTED_SUM, SMGD, MAGNITUDE, UNIFORM)
}


def label_of(name: str) -> str:
    """Return how texts and figures name a method; one of a newer version by its name."""
    return METHODS[name].label if name in METHODS else name


def place_of(row: Mapping[str, Any]) -> str:
    """Return the place of a run on the front of its method, such as `keep 0.1`; empty for a λ."""
    columns = METHODS[row["method"]].columns if row["method"] in METHODS else ()
    values = {each: row.get(each.name) for each in columns if each.is_place}
    given = {each: value for each, value in values.items() if value is not None and value == value}
    return ", ".join(each.phrase.format(value) for each, value in given.items())


def columns_of(method: Method) -> list[Column]:
    """Return the columns that a method adds: its own, and those of options of its runs."""
    kinds = [kind for kind in (method.settings, method.budget) if kind is not None]
    options = [each for kind in kinds for each in options_of(kind) if each.of_run]
    known = {*COLUMNS, *(column.name for column in method.columns)}
    further = [column_of(each) for each in options if each.of_run not in known]
    # runs of other methods have no value
    return [*method.columns, *(replace(each, unmeasured=None, older=None) for each in further)]


def further_columns(plan: Plan) -> tuple[Column, ...]:
    """Return the columns that the methods of a plan add to the table, each once."""
    chosen = METHODS[plan.settings.method]
    used = [chosen, *(each for each in METHODS.values() if each is not chosen and each.runs(plan))]
    columns = (column for method in used for column in columns_of(method))
    return tuple({column.name: column for column in columns}.values())


def option_columns(run: Run) -> dict[str, object]:
    """Return the values of a method's options in one of its runs, those at their default too."""
    method = METHODS[run.method]
    declared = [
        each for kind in (method.settings, method.budget) if kind for each in options_of(kind)
    ]
    return {each.of_run: option_value(run, each) for each in declared if each.of_run}


def training_options(plan: Plan) -> list[str]:
    """Return the options of `sweep` that train runs of further methods for comparison."""
    usual = [method for method in METHODS.values() if method.is_usual]
    missing = [method for method in usual if not method.runs(plan)]
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
    searched = " | ".join(name for name, method in METHODS.items() if method.has_lam)
    listed = " | ".join(name for name, method in METHODS.items() if not method.has_lam)
    texts = {
        "method": f"{searched}; without a search: {listed}",
        "compare": f"Methods to compare the front with, with commas between: {listed}",
    }
    for each in (*options_of(Settings), *options_of(Budget)):
        if each.name in texts:
            usual = each.default or next(n for n, m in METHODS.items() if m.is_usual)
            yield replace(each, help=f"{texts[each.name]} (default: {usual})")
        else:
            yield each
    for kind in (Settings, Budget):
        yield from (each for each, _ in method_options(kind).values())
