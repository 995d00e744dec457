"""Rounds: the runs to train next, from the plan and the table alone; no torch.

Nothing else is remembered, so going on after an interruption is the same as going on after a
round.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

import pandas as pd

from paretoprune.analysis.aggregate import MEANS, VARIANT, over_seeds
from paretoprune.runner.runs import Pair, comparison_runs, run_template, runs_of, seeds_of
from paretoprune.search import SEARCHES, Proposal, SearchSettings
from paretoprune.study.run import SMGD, Run
from paretoprune.study.settings import Plan

# What searches, and means over seeds, read of a row: copying the rest takes long.
READ = (*VARIANT, *MEANS, "run_id", "seed", "round", "status", "collapsed")


@dataclass(frozen=True, kw_only=True)
class Round:
    """Runs that are still to be trained, those of a search's round or those of the comparison."""

    number: int
    runs: tuple[Run, ...]
    role: str = "search"


def next_round(
    points: pd.DataFrame, plan: Plan, again: Collection[str] = (), slots: int = 1
) -> Round | None:
    """What is to be trained next, worked out from the table: the search, then SMGD.

    First of all come the runs `again` (by id) that stand in it and are to be trained once more.
    SMGD comes as many fleets at a time as there are `slots` for. `None` where all is done or the
    runs are spent.
    """
    if repeated := repeated_round(points, plan, again):
        return repeated
    searched = None if plan.settings.method == SMGD else search_round(points, plan)
    return searched or comparison_round(points, plan, slots)


def repeated_round(points: pd.DataFrame, plan: Plan, again: Collection[str]) -> Round | None:
    """The first round, or fleet of SMGD, with runs that are to be trained `again`."""
    rows = points[points["run_id"].isin(again)]
    known = {run.id: run for run in comparison_runs(plan)}
    template = run_template(plan.settings)
    for (number, role), own in rows.groupby(["round", "role"], sort=True):
        searched = (
            replace(template, lam=float(lam), seed=int(seed))
            for lam, seed in zip(own["lam"], own["seed"], strict=True)
            if role == "search"
        )
        known |= {run.id: run for run in searched}
        runs = tuple(known[run_id] for run_id in own["run_id"] if run_id in known)
        if runs:
            return Round(number=int(str(number)), runs=runs, role=str(role))
    return None


def comparison_round(points: pd.DataFrame, plan: Plan, slots: int) -> Round | None:
    """The next SMGD runs that are still to be trained; they belong to the last round.

    As many fleets at a time as are trained side by side, so that `--time-budget` is asked between.
    """
    trained = set(points["run_id"])
    runs = [run for run in comparison_runs(plan) if run.id not in trained]
    number = int(points["round"].max()) if len(points) else 0
    some = tuple(runs[: plan.fleet_size * max(slots, 1)])
    return Round(number=number, runs=some, role="comparison") if some else None


def search_round(points: pd.DataFrame, plan: Plan) -> Round | None:
    """The search's next round; `None` where the search is done or the runs are spent.

    A begun round is finished first: it is proposed again, from the rounds before it, and what is
    in the table left out.
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
    """The runs that follow on the points of complete rounds, within the total of runs.

    Seeds that earlier lams lack (`--repeats` was raised) come before new lams.
    """
    searched = points[points["role"] == "search"]
    trained = set(zip(searched["lam"], searched["seed"], strict=True))
    if wanted := lacking(trained, plan):
        return runs_of(wanted, plan)
    room = plan.budget.max_runs - len({lam for lam, _ in trained})
    lams = propose(points, plan).lams[:room] if room > 0 else ()
    return runs_of([(lam, seed) for seed in seeds_of(plan) for lam in lams], plan)


def lacking(trained: Collection[Pair], plan: Plan) -> list[Pair]:
    """The seeds that lams lack."""
    lams = sorted({lam for lam, _ in trained})
    pairs = [(lam, seed) for seed in seeds_of(plan) for lam in lams]
    return [pair for pair in pairs if pair not in trained]


def propose(points: pd.DataFrame, plan: Plan) -> Proposal:
    """Ask the study's search."""
    return SEARCHES[plan.settings.search](networks_of(points), search_settings(plan))


def search_settings(plan: Plan) -> SearchSettings:
    """What a search may know of a plan."""
    return SearchSettings(
        lam_ref=plan.measured.lam_ref,
        round_size=plan.settings.round_size,
        tolerance=plan.budget.tolerance,
        max_runs=plan.budget.max_runs,
        constant_loss=plan.measured.constant_loss,
        validation_images=plan.measured.validation_images,
        seed=plan.settings.seed,
        recipe=plan.settings.recipe,
        quality=plan.measured.quality,
    )


def networks_of(points: pd.DataFrame) -> pd.DataFrame:
    """What a search sees: a row for each lam, of the round that proposed it."""
    searched = points.loc[points["role"] == "search", list(READ)]
    networks = over_seeds(searched)
    if len(networks):  # whenever its seeds came
        networks["round"] = networks["lam"].map(searched.groupby("lam")["round"].min())
    return networks


def lams_of(points: pd.DataFrame) -> int:
    """Number of lams that were searched."""
    return int(points.loc[points["role"] == "search", "lam"].nunique())
