"""Runs of a plan: the runs for given λs and seeds, and those of methods without a λ."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

import pandas as pd

from paretoprune.analysis.aggregate import alive
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


def trunk_runs(plan: Plan) -> list[Run]:
    """Return the runs that exist only so that others can start from them, each once."""
    runs = [run for method in METHODS.values() for run in method.parents(plan)]
    return list({run.id: run for run in runs}.values())


def role_of(run: Run, plan: Plan) -> str:
    """Return the role of a run that a method lists."""
    is_studied = run.method == plan.settings.method and METHODS[run.method].is_front
    return "search" if is_studied else "comparison"


def runs_of(pairs: Sequence[Pair], plan: Plan) -> list[Run]:
    """Return the runs for pairs of λ and seed."""
    template = run_template(plan.settings)
    return [replace(template, lam=lam, seed=seed) for lam, seed in pairs]


def fleets_of(runs: Sequence[Run], size: int) -> Iterator[tuple[Run, ...]]:
    """Cut runs into fleets of at most `size` runs that can be trained together, in order.

    The rule is fixed, so that a continued sweep trains the same fleets.
    """
    for _, group in groupby(runs, key=alike):
        alone = tuple(group)
        for start in range(0, len(alone), size):
            yield alone[start : start + size]


def alike(run: Run) -> Run:
    """Return what the runs of a fleet have in common, as a run."""
    differing = METHODS[run.method].differing
    common = tuple(pair for pair in run.options if pair[0] not in differing)
    lam = None if run.lam is None else 0.0
    return replace(
        run, lam=lam, seed=0, learning_rate=0.0, threshold=0.0, parent=None, options=common
    )


def startable(points: pd.DataFrame) -> set[str]:
    """Return the ids of the runs from whose weights others can start."""
    return set(points.loc[alive(points).index].dropna(subset="weights")["run_id"])


def failures(points: pd.DataFrame) -> dict[str, str]:
    """Return why no run can start from the weights of another one, by the id of that one."""
    dead = points.drop(alive(points).index)
    return {
        str(run_id): f"the run that it starts from, {run_id}, "
        + (f"{status}: {failure}" if failure else "is no better than a constant prediction")
        for run_id, status, failure in zip(
            dead["run_id"], dead["status"], dead["failure"], strict=True
        )
    }


def needed_parents(points: pd.DataFrame, plan: Plan) -> set[str]:
    """Return the ids of the runs from which listed runs that are not trained yet start."""
    trained = set(points["run_id"])
    missing = [run for run in comparison_runs(plan) if run.id not in trained]
    return {run.parent for run in missing if run.parent is not None}
