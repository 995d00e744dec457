"""Retention policy: which weights and checkpoints a study keeps. Loads no torch."""

from collections.abc import Collection, Mapping
from pathlib import Path

import pandas as pd

from paretoprune.analysis.aggregate import CHOSEN_ROLES, choosable, over_seeds, variant_columns
from paretoprune.analysis.constraints import AT_LEAST, AT_MOST
from paretoprune.analysis.knee.axes import AXES_OF
from paretoprune.analysis.pareto import pareto
from paretoprune.runner.runs import needed_parents
from paretoprune.study import storage
from paretoprune.study.column import Column
from paretoprune.study.columns import COLUMNS
from paretoprune.study.plan import Plan

MOST_BYTES = 1_000_000_000  # size of all weights up to which the policy `auto` keeps them
# The axes of every front on which a network can be chosen.
FRONTS = sorted({*AXES_OF.values(), *AT_LEAST.values(), *AT_MOST.values()})


def weights_to_delete(
    points: pd.DataFrame,
    keep: str,
    stored_bytes: int,
    repeats: int,
    needed: Collection[str] = (),
    columns: Mapping[str, Column] = COLUMNS,
) -> list[str]:
    """Return the ids of the runs whose weights are to be deleted.

    The policy `all` keeps everything. The policy `auto` does so up to `MOST_BYTES`; above that, it
    keeps the networks on any front, as `front` does. Confirmations keep their weights under every
    policy, because the user asked for each of them. Comparison runs and trunks are on no front, so
    only the policy `none` deletes their weights. The weights of a λ are kept until all its seeds
    are trained, because fronts consist of means over seeds.

    Args:
        points: The table of points.
        keep: The policy, one of `KEPT_WEIGHTS`.
        stored_bytes: Size in bytes of all stored weights.
        repeats: Number of seeds per λ.
        needed: Ids of runs from whose weights others are still to start; they are kept.
        columns: The columns of the study.
    """
    if keep == "all" or (keep == "auto" and stored_bytes <= MOST_BYTES):
        return []
    if keep == "none":
        kept = (points["role"] == "confirmation") | points["run_id"].isin(needed)
        return _stored(points[~kept])
    chosen = points[points["role"].isin(CHOSEN_ROLES)]
    places = [name for name in variant_columns(columns) if name in chosen]
    seeds = chosen.groupby(places, dropna=False)["seed"].transform("nunique")
    judged = chosen[seeds >= repeats]
    return sorted(set(_stored(judged)) - on_a_front(judged, columns))


def _stored(points: pd.DataFrame) -> list[str]:
    """Return the ids of the runs whose weights are stored, sorted."""
    return sorted(points.loc[points["weights"].notna(), "run_id"])


def on_a_front(points: pd.DataFrame, columns: Mapping[str, Column] = COLUMNS) -> set[str]:
    """Return the ids of the runs that represent a point on at least one of the fronts."""
    networks = choosable(over_seeds(points, columns))
    return {str(run_id) for axes in FRONTS for run_id in pareto(networks, axes)["run_id"]}


def keep(folder: Path, plan: Plan, points: pd.DataFrame, again: set[str]) -> pd.DataFrame:
    """Delete checkpoints and weights that are no longer needed; return the table.

    Runs whose ids are in `again` are in the table, but may also have a checkpoint that is needed.
    """
    budget = plan.budget
    storage.forget_checkpoints(folder, set(points["run_id"]) - again)
    size = storage.weights_bytes(folder, points)
    needed = needed_parents(points, plan)
    gone = weights_to_delete(
        points, budget.keep_weights, size, budget.repeats, needed, plan.columns
    )
    return storage.forget_weights(folder, points, gone, plan.columns) if gone else points


def without_lost_weights(folder: Path, points: pd.DataFrame) -> tuple[pd.DataFrame, set[str]]:
    """Return the table without the weights of trunks whose file is gone, and their ids."""
    is_trunk = points["role"] == "trunk"
    if not is_trunk.any():
        return points, set()
    stored = points.loc[is_trunk, ["run_id", "weights"]].dropna()
    lost = {
        str(run_id)
        for run_id in stored["run_id"]
        if not storage.weights_path(folder, str(run_id)).is_file()
    }
    if not lost:
        return points, lost
    return points.assign(weights=points["weights"].mask(points["run_id"].isin(lost))), lost
