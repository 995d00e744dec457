"""Runs of a plan: the runs for given λs and seeds, and those of methods without a λ."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from paretoprune.study.plan import Plan
from paretoprune.study.run import Run
from paretoprune.study.settings import Settings
from paretoprune.training.methods import METHODS

Pair = tuple[float, int]  # λ and seed


def has_search(plan: Plan) -> bool:
    """Return whether a search proposes the runs of a study; some methods list theirs."""
    return METHODS[plan.settings.method].has_lam


def run_template(settings: Settings) -> Run:
    """Return a run with the values of the study's settings, with λ = 0 if its method has a λ."""
    return METHODS[settings.method].template(settings)


def comparison_runs(plan: Plan) -> list[Run]:
    """Return the runs of the methods that list theirs, such as the budget asks for."""
    return [run for method in METHODS.values() for run in method.runs(plan)]


def seeds_of(plan: Plan) -> range:
    """Return the seeds of each λ."""
    return range(plan.settings.seed, plan.settings.seed + plan.budget.repeats)


def runs_of(pairs: Sequence[Pair], plan: Plan) -> list[Run]:
    """Return the runs for pairs of λ and seed."""
    template = run_template(plan.settings)
    return [replace(template, lam=lam, seed=seed) for lam, seed in pairs]


def fleets_of(runs: Sequence[Run], size: int) -> Iterator[tuple[Run, ...]]:
    """Cut runs into fleets of at most `size` runs, in order.

    The rule is fixed, so that a continued sweep trains the same fleets.
    """
    for start in range(0, len(runs), size):
        yield tuple(runs[start : start + size])
