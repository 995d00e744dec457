"""Rounds: the runs to train next, chosen from the plan and the table alone.

There is no other state, so a sweep continues after an interruption as it does after a round. This
module loads no torch.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

import pandas as pd

from paretoprune.analysis.aggregate import MEANS, over_seeds
from paretoprune.runner.runs import (
    Pair,
    comparison_runs,
    has_search,
    run_template,
    runs_of,
    seeds_of,
)
from paretoprune.search import SEARCHES, Proposal, SearchSettings
from paretoprune.study.plan import Plan
from paretoprune.study.run import Run

# Columns that searches, and means over seeds, read. Copying the others takes long. The search runs
# of a study differ in λ and seed only.
READ = ("lam", *MEANS, "role", "run_id", "seed", "round", "status", "collapsed")


@dataclass(frozen=True, kw_only=True)
class Round:
    """Runs that are still to be trained.

    Attributes:
        number: Number of the round, from 0; comparison runs belong to the last round of the search.
        runs: The runs.
        role: The role of the runs in the table of points.
    """

    number: int
    runs: tuple[Run, ...]
    role: str = "search"


def next_round(
    points: pd.DataFrame, plan: Plan, again: Collection[str] = (), slots: int = 1
) -> Round | None:
    """Return the next round.

    Runs that are to be trained again come first, then those of the search, then the others.

    Args:
        points: The table of points.
        plan: The plan of the study.
        again: Ids of the runs in the table that are to be trained again.
        slots: Number of fleets that are trained side by side. A round of comparison
            runs has at most as many.

    Returns:
        The round, or `None` if the search is done or its budget is spent, and all comparison runs
        are trained.
    """
    if repeated := repeated_round(points, plan, again):
        return repeated
    searched = search_round(points, plan) if has_search(plan) else None
    return searched or comparison_round(points, plan, slots)


def repeated_round(points: pd.DataFrame, plan: Plan, again: Collection[str]) -> Round | None:
    """Return the runs to be trained again of the first round and role that has any."""
    rows = points[points["run_id"].isin(again)]
    known = {run.id: run for run in comparison_runs(plan)}
    template = run_template(plan.settings)
    for (number, role), group in rows.groupby(["round", "role"], sort=True):
        searched = (
            replace(template, lam=float(lam), seed=int(seed))
            for lam, seed in zip(group["lam"], group["seed"], strict=True)
            if role == "search"
        )
        known |= {run.id: run for run in searched}
        runs = tuple(known[run_id] for run_id in group["run_id"] if run_id in known)
        if runs:
            return Round(number=int(str(number)), runs=runs, role=str(role))
    return None


def comparison_round(points: pd.DataFrame, plan: Plan, slots: int) -> Round | None:
    """Return the next comparison runs that are still to be trained, or `None` if there are none.

    They belong to the last round of the search. They fill at most `slots` fleets, so that
    `--time-budget` is checked before the others.
    """
    trained = set(points["run_id"])
    runs = [run for run in comparison_runs(plan) if run.id not in trained]
    number = int(points["round"].max()) if len(points) else 0
    chosen = tuple(runs[: plan.fleet_size * max(slots, 1)])
    return Round(number=number, runs=chosen, role="comparison") if chosen else None


def search_round(points: pd.DataFrame, plan: Plan) -> Round | None:
    """Return the next round of the search; `None` if it is done or its budget is spent.

    An incomplete round is completed first. It is proposed again from the earlier rounds, without
    the runs that are in the table.
    """
    points = points[points["role"] == "search"]
    last = int(points["round"].max()) if len(points) else -1
    trained = set(points["run_id"])
    for number, before in ((last, points[points["round"] < last]), (last + 1, points)):
        if number < 0:
            continue
        runs = proposed_runs(before, plan)
        begun = set(points.loc[points["round"] == number, "run_id"])
        missing = tuple(run for run in runs if run.id not in trained)
        if missing and begun <= {run.id for run in runs}:
            return Round(number=number, runs=missing)
    return None


def proposed_runs(points: pd.DataFrame, plan: Plan) -> list[Run]:
    """Return the runs that follow the points of complete rounds, within the budget of λs.

    Missing seeds of earlier λs, after `--repeats` was raised, come before new λs.
    """
    searched = points[points["role"] == "search"]
    trained = set(zip(searched["lam"], searched["seed"], strict=True))
    if wanted := lacking(trained, plan):
        return runs_of(wanted, plan)
    room = plan.budget.max_runs - len({lam for lam, _ in trained})
    lams = propose(points, plan).lams[:room] if room > 0 else ()
    return runs_of([(lam, seed) for seed in seeds_of(plan) for lam in lams], plan)


def lacking(trained: Collection[Pair], plan: Plan) -> list[Pair]:
    """Return the pairs of λ and seed that are missing for the λs of `trained`."""
    lams = sorted({lam for lam, _ in trained})
    pairs = [(lam, seed) for seed in seeds_of(plan) for lam in lams]
    return [pair for pair in pairs if pair not in trained]


def propose(points: pd.DataFrame, plan: Plan) -> Proposal:
    """Return the proposal of the study's search for a table of points."""
    return SEARCHES[plan.settings.search](networks_of(points), search_settings(plan))


def search_settings(plan: Plan) -> SearchSettings:
    """Return the settings of a search that follow from a plan."""
    return SearchSettings(
        lam_ref=plan.measured.lam_ref,
        round_size=plan.settings.round_size,
        tolerance=plan.budget.tolerance,
        max_runs=plan.budget.max_runs,
        constant_loss=plan.measured.constant_loss,
        validation_images=plan.measured.validation_images,
        seed=plan.settings.seed,
        recipe=plan.settings.recipe,
        metric=plan.measured.quality,
    )


def networks_of(points: pd.DataFrame) -> pd.DataFrame:
    """Return the table that a search reads: a row per λ, with the first round of its seeds."""
    searched = points.loc[points["role"] == "search", list(READ)]
    networks = over_seeds(searched)
    if len(networks):  # a λ keeps its round when seeds are added later
        networks["round"] = networks["lam"].map(searched.groupby("lam")["round"].min())
    return networks


def lams_of(points: pd.DataFrame) -> int:
    """Return the number of λs that the search has tried."""
    return int(points.loc[points["role"] == "search", "lam"].nunique())
