"""Retention policy: which weights to delete, decided from the table alone; no torch."""

import pandas as pd

from paretoprune.analysis.aggregate import CHOSEN_ROLES, choosable, over_seeds
from paretoprune.analysis.constraints import AT_LEAST, AT_MOST
from paretoprune.analysis.knee.axes import AXES_OF
from paretoprune.analysis.pareto import pareto

MOST_BYTES = 1_000_000_000  # of weights, up to which `auto` keeps all of them
# The axes of every front on which a network can be chosen.
FRONTS = sorted({*AXES_OF.values(), *AT_LEAST.values(), *AT_MOST.values()})


def weights_to_delete(
    points: pd.DataFrame, keep: str, stored_bytes: int, repeats: int
) -> list[str]:
    """Return the ids of the runs whose weights are to be deleted.

    Confirmations keep their weights, because the user asked for each of them. The runs of a
    comparison are judged by no front, so only the policy `none` deletes their weights. A λ is
    judged once all its seeds are trained, since fronts are of means over seeds.

    Args:
        points: The table of points.
        keep: The policy, one of `KEPT_WEIGHTS`.
        stored_bytes: Size of all weights that are stored.
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
    return sorted(points.loc[points["weights"].notna(), "run_id"])


def on_a_front(points: pd.DataFrame) -> set[str]:
    """Return the ids of the networks that represent a point of any of the fronts."""
    networks = choosable(over_seeds(points))
    return {str(run_id) for axes in FRONTS for run_id in pareto(networks, axes)["run_id"]}
