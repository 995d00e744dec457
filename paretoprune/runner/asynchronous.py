"""Asynchronous proposals: choose new runs while others are still training (kriging believer).

With `--async`, a sweep does not wait until a round is complete. The outcome of a pending run is
assumed to lie between those of its neighbours, so that the search looks elsewhere. This is the
kriging believer of Ginsbourger, Le Riche and Carraro (2010), with linear interpolation in place of
kriging. Proposals depend on the table and the pending runs alone; this module loads no torch.
"""

from collections.abc import Collection, Sequence, Set
from dataclasses import replace

import numpy as np
import pandas as pd

from paretoprune.analysis.aggregate import alive
from paretoprune.runner.rounds import (
    Round,
    lacking,
    listed_round,
    networks_of,
    repeated_round,
    search_settings,
)
from paretoprune.runner.runs import has_search, runs_of
from paretoprune.search import SEARCHES
from paretoprune.search.proposal import PENDING
from paretoprune.study.plan import Plan
from paretoprune.study.run import Run

# Columns that the searches read, and that fall or rise with λ.
FANTASIES = ("train_loss", "val_loss", "val_error", "complexity", "nonzeros")
LEAST = 1e-12  # replaces zero, which has no logarithm
MOST_AT_FIRST = 0.5  # largest share of all λs that is chosen before any result is known


def next_runs(
    points: pd.DataFrame,
    plan: Plan,
    pending: Sequence[Run],
    wanted: int,
    again: Set[str] = frozenset(),
) -> Round | None:
    """Choose up to `wanted` runs that are worth training while others are pending.

    As in `rounds.next_round`, runs that are to be trained again come first and comparison runs come
    last. The runs form a round. The first round may be larger than `wanted`, because a search
    cannot learn anything from less.

    Args:
        points: The table of points.
        plan: The plan of the study.
        pending: The runs in training.
        wanted: Number of runs.
        again: Ids of the runs that are to be trained again.

    Returns:
        The runs, or `None` if there are none.
    """
    if wanted <= 0:
        return None
    running = {run.id for run in pending}
    if repeated := repeated_round(points, plan, again - running):
        return replace(repeated, runs=repeated.runs[:wanted])
    number = int(points["round"].max()) + 1 if len(points) else 0
    if has_search(plan) and (runs := searched_runs(points, plan, pending, wanted)):
        return Round(number=number, runs=tuple(runs))
    listed = listed_round(points, plan, wanted, running)
    return None if listed is None else replace(listed, number=number)


def searched_runs(
    points: pd.DataFrame, plan: Plan, pending: Sequence[Run], wanted: int
) -> list[Run]:
    """Return up to `wanted` runs: first the missing seeds of known λs, then new λs."""
    searched = points[points["role"] == "search"]
    if searched.empty:
        return [] if pending else first_runs(networks_of(searched), plan, wanted)
    known = {(run.lam, run.seed) for run in pending if run.lam is not None}
    known |= set(zip(searched["lam"], searched["seed"], strict=True))
    pairs, seeds = lacking(known, plan), plan.seeds
    if len(pairs) < wanted:
        lams = {lam for lam, _ in known}
        count = min(-(-(wanted - len(pairs)) // len(seeds)), plan.budget.max_runs - len(lams))
        new = new_lams(networks_of(points), plan, lams, count)
        pairs += [(lam, seed) for lam in new for seed in seeds]
    return runs_of(pairs[:wanted], plan)


def first_runs(no_networks: pd.DataFrame, plan: Plan, wanted: int) -> list[Run]:
    """Return the first round of the search, enlarged towards `wanted` runs.

    It is enlarged to at most `MOST_AT_FIRST` of all λs. `no_networks` is an empty table.
    """
    most = int(min(-(-wanted // plan.budget.repeats), MOST_AT_FIRST * plan.budget.max_runs))
    settings = search_settings(plan)
    settings = replace(settings, round_size=max(settings.round_size, most))
    lams = SEARCHES[plan.settings.search](no_networks, settings).lams[: plan.budget.max_runs]
    return runs_of([(lam, seed) for seed in plan.seeds for lam in lams], plan)


def new_lams(
    networks: pd.DataFrame, plan: Plan, taken: Collection[float], count: int
) -> list[float]:
    """Return up to `count` new λs that the search proposes.

    If a proposal contains too few, the search is called again with assumed outcomes for these λs.
    """
    search, settings = SEARCHES[plan.settings.search], search_settings(plan)
    chosen: list[float] = []
    while len(chosen) < count:
        known = with_fantasies(networks, [*taken, *chosen])
        lams = set(known["lam"])
        fresh = [lam for lam in search(known, settings).lams if lam not in lams]
        if not fresh:
            break
        chosen += fresh[: count - len(chosen)]
    return chosen


def with_fantasies(networks: pd.DataFrame, lams: Sequence[float]) -> pd.DataFrame:
    """Return the networks, with an added row for each of `lams` that has none.

    Within the range of λs whose networks are alive, an added row has the status `done`. Its values
    are interpolated linearly between its neighbours, on logarithmic scales. Outside of that range
    its status is `PENDING`, and its values mean nothing.

    Args:
        networks: Table with a row per λ, as `rounds.networks_of` returns it.
        lams: The λs that are trained, in training or chosen.
    """
    new = np.array(sorted(set(lams) - set(networks["lam"])), float)
    if not len(new):
        return networks
    living = alive(networks).sort_values("lam")
    template = living if len(living) else networks
    rows = template.iloc[[0] * len(new)].reset_index(drop=True)
    rows["lam"], rows["run_id"] = new, [f"{lam!r}" for lam in new.tolist()]
    rows["round"], rows["status"], rows["collapsed"] = networks["round"].max() + 1, PENDING, False
    if len(living):
        known = living["lam"].to_numpy(float)
        least = known[known > 0].min(initial=np.inf) / 10  # replaces 0 in the logarithms
        log_known, log_new = (np.log(np.maximum(values, least)) for values in (known, new))
        for name in FANTASIES:
            values = np.log(np.maximum(living[name].to_numpy(float), LEAST))
            rows[name] = np.exp(np.interp(log_new, log_known, values))
        rows.loc[(known[0] <= new) & (new <= known[-1]), "status"] = "done"
    return pd.concat([networks, rows], ignore_index=True)
