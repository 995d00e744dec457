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
    alike,
    comparison_runs,
    failures,
    has_search,
    role_of,
    run_template,
    runs_of,
    startable,
    trunk_runs,
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
        failure: Why the runs cannot be trained, because that from which they start failed; empty
            if they can.
    """

    number: int
    runs: tuple[Run, ...]
    role: str = "search"
    failure: str = ""


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
    return searched or listed_round(points, plan, plan.fleet_size * max(slots, 1))


def repeated_round(points: pd.DataFrame, plan: Plan, again: Collection[str]) -> Round | None:
    """Return the runs to be trained again of the first round and role that has any.

    Runs that start from another one wait for that one.
    """
    if not again:
        return None
    rows = points[points["run_id"].isin(again)]
    known = {run.id: run for run in (*trunk_runs(plan), *comparison_runs(plan))}
    template, ready = run_template(plan.settings), startable(points)
    order = rows.assign(of_child=rows["role"] != "trunk")
    for (number, _, role), group in order.groupby(["round", "of_child", "role"], sort=True):
        with_lam = group[(group["role"] == "search") & group["lam"].notna()]
        searched = (
            replace(template, lam=float(lam), seed=int(seed))
            for lam, seed in zip(with_lam["lam"], with_lam["seed"], strict=True)
        )
        known |= {run.id: run for run in searched}
        runs = (known[run_id] for run_id in group["run_id"] if run_id in known)
        chosen = tuple(run for run in runs if run.parent is None or run.parent in ready)
        if chosen:
            return Round(number=int(str(number)), runs=chosen, role=str(role))
    return None


def listed_round(
    points: pd.DataFrame, plan: Plan, most: int, pending: Collection[str] = ()
) -> Round | None:
    """Return the next runs that methods list and that are still to be trained, or `None`.

    Runs from which others start come first. The runs of a round can be trained together. They
    belong to the last round of the search.

    Args:
        points: The table of points.
        plan: The plan of the study.
        most: Largest number of runs, so that `--time-budget` is checked before the others.
        pending: Ids of the runs in training.
    """
    known = {*points["run_id"], *pending}
    missing = [run for run in comparison_runs(plan) if run.id not in known]
    if not missing:
        return None
    ready, dead = startable(points), failures(points)
    number = int(points["round"].max()) if len(points) else 0
    trunks = {run.id: run for run in trunk_runs(plan)}
    wanted = dict.fromkeys(run.parent for run in missing if run.parent in trunks)
    parents = [trunks[each] for each in wanted if each not in {*ready, *dead, *pending}]
    roles = dict(zip(points["run_id"], points["role"], strict=True))
    for role in (roles.get(run.id, "trunk") for run in parents):  # one may be a run of the search
        chosen = [run for run in parents if roles.get(run.id, "trunk") == role]
        return Round(number=number, runs=tuple(chosen[:most]), role=role)
    for first in (run for run in missing if run.parent in dead):
        role, failure = role_of(first, plan), dead[str(first.parent)]
        same = [run for run in missing if (run.parent, role_of(run, plan)) == (first.parent, role)]
        return Round(number=number, runs=tuple(same), role=role, failure=failure)
    able = [run for run in missing if run.parent is None or run.parent in ready]
    if not able:
        return None
    together = [run for run in able if alike(run) == alike(able[0])]
    return Round(number=number, runs=tuple(together[:most]), role=role_of(able[0], plan))


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
    return runs_of([(lam, seed) for seed in plan.seeds for lam in lams], plan)


def lacking(trained: Collection[Pair], plan: Plan) -> list[Pair]:
    """Return the pairs of λ and seed that are missing for the λs of `trained`."""
    lams = sorted({lam for lam, _ in trained})
    pairs = [(lam, seed) for seed in plan.seeds for lam in lams]
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
