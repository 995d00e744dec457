"""Method: how one run trades the two objectives off. Loads no torch.

The table of methods is `METHODS` in `__init__.py`; each method has a file of its own here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from paretoprune.study.column import Column
from paretoprune.study.plan import Budget, Plan
from paretoprune.study.run import Run
from paretoprune.study.settings import Settings

if TYPE_CHECKING:
    from paretoprune.problem.problem import Problem
    from paretoprune.training.fleet import Fleet
    from paretoprune.training.methods.step_rule import StepRule

# Columns of the history: the mean weights of the loss and of the second objective in an epoch.
WEIGHTS = ("loss_weight", "complexity_weight")


def no_runs(plan: Plan) -> list[Run]:
    """Return no runs: those of a method with a λ follow from the search."""
    return []


def no_defaults(settings: Settings, budget: Budget) -> dict[str, object]:
    """Return no defaults: those of the declarations hold."""
    return {}


def allow(settings: Settings, budget: Budget, given: Collection[str]) -> None:
    """Allow all options."""


def fit(settings: Settings, budget: Budget, problem: Problem) -> None:
    """Allow all problems."""


@dataclass(frozen=True, kw_only=True)
class Method:
    """A method. Nothing outside its file compares its name.

    Attributes:
        name: the name in the table, and on `--method`.
        label: the name in texts and figures.
        has_lam: whether a λ parametrises its runs, so that searches propose them; if not, `runs`
            lists them.
        template: returns a run with a study's settings, with λ = 0 if the method has a λ.
        begin: returns the rule for the steps of a new fleet, which has its first weights, those of
            parents included. Its runs differ in λ, seed, learning rate, threshold, parent and the
            options in `differing` only. It may load torch.
        runs: returns the runs of a plan, if the method has no λ.
        parents: returns the runs of a plan that exist only so that those of `runs` can start from
            their weights. They have the role `trunk` and are trained first.
        is_front: whether its runs form a front. If it is the study's method, they have the role
            `search`, and `comparison` otherwise.
        is_usual: whether new studies have its runs for comparison if nothing else is asked for.
        reads: the names of options of searches that it reads although it has no λ.
        differing: the names of its options in which the networks of a fleet may differ.
        training: the options of `sweep` that train its runs, if it `is_usual`.
        settings: a dataclass with its options that belong to a study's identity; `None` for none.
            One with `of_run` enters run ids and the table.
        budget: a dataclass with its options that may change at every call; `None` for none.
        defaults: returns the values of its options in a new study that differ from those of the
            declarations.
        allow: raises `UsageError` if options have no effect, or exclude each other. It gets the
            settings, the budget, and the names of the options that were given.
        fit: raises `UsageError` if the problem does not fit the options of the budget.
        complexities: the complexities that it minimises; empty for any.
        columns: the columns of the table that it adds: those of its options that belong to runs,
            and those that the rule of its steps fills.
        weights: the columns of the history with the weights of the objectives, for each block of
            parameters that the rule of its steps has.
        quantities: further columns of the history, which the rule of its steps measures.
        drawn: the columns of the history that are weights of second objectives, each with its label
            in the figure of the histories; the label of the first follows from the panel.
    """

    name: str
    label: str
    has_lam: bool
    template: Callable[[Settings], Run]
    begin: Callable[[Sequence[Run], Fleet, Problem], StepRule]
    runs: Callable[[Plan], list[Run]] = no_runs
    parents: Callable[[Plan], list[Run]] = no_runs
    is_front: bool = True
    is_usual: bool = False
    reads: tuple[str, ...] = ()
    differing: tuple[str, ...] = ()
    training: tuple[str, ...] = ()
    settings: type | None = None
    budget: type | None = None
    defaults: Callable[[Settings, Budget], Mapping[str, object]] = no_defaults
    allow: Callable[[Settings, Budget, Collection[str]], None] = allow
    fit: Callable[[Settings, Budget, Problem], None] = fit
    complexities: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    weights: tuple[tuple[str, str], ...] = (WEIGHTS,)
    quantities: tuple[str, ...] = ()
    drawn: Mapping[str, str] | None = None
