"""Retention policy: the weights to delete, chosen from the table alone; no torch is loaded."""

import pandas as pd

from paretoprune.analysis.aggregate import CHOSEN_ROLES, choosable, over_seeds
from paretoprune.analysis.constraints import AT_LEAST, AT_MOST
from paretoprune.analysis.knee.axes import AXES_OF
from paretoprune.analysis.pareto import pareto

MOST_BYTES = 1_000_000_000  # size of all weights up to which the policy `auto` keeps them
# The axes of every front on which a network can be chosen.
FRONTS = sorted({*AXES_OF.values(), *AT_LEAST.values(), *AT_MOST.values()})


def weights_to_delete(
    points: pd.DataFrame, keep: str, stored_bytes: int, repeats: int
) -> list[str]:
    """Return the ids of the runs whose weights are to be deleted.

    The policy `all` keeps everything. The policy `auto` does so up to `MOST_BYTES`; above that, it
    keeps the networks on any front, as `front` does. Confirmations keep their weights under every
    policy, because the user asked for each of them. Comparison runs are on no front, so only the
    policy `none` deletes their weights. The weights of a λ are kept until all its seeds are
    trained, because fronts consist of means over seeds.

    Args:
        points: The table of points.
        keep: The policy, one of `KEPT_WEIGHTS`.
        stored_bytes: Size in bytes of all stored weights.
        repeats: Number of seeds per λ.
    """
    if keep == "all" or (keep == "auto" and stored_bytes <= MOST_BYTES):
        return []
    if keep == "none":
        return _stored(points[points["role"] != "confirmation"])
    chosen = points[points["role"].isin(CHOSEN_ROLES)]
    seeds = chosen.groupby("lam")["seed"].transform("nunique")
    judged = chosen[seeds >= repeats]
    return sorted(set(_stored(judged)) - on_a_front(judged))


def _stored(points: pd.DataFrame) -> list[str]:
    """Return the ids of the runs whose weights are stored, sorted."""
    return sorted(points.loc[points["weights"].notna(), "run_id"])


def on_a_front(points: pd.DataFrame) -> set[str]:
    """Return the ids of the runs that represent a point on at least one of the fronts."""
    networks = choosable(over_seeds(points))
    return {str(run_id) for axes in FRONTS for run_id in pareto(networks, axes)["run_id"]}
