"""Whose weights stay on disk? Worked out from the table alone; no torch."""

import pandas as pd

from paretoprune.analysis.constraints import AT_LEAST, AT_MOST
from paretoprune.analysis.knee.axes import AXES_OF
from paretoprune.analysis.pareto import CHOSEN_ROLES, choosable, over_seeds, pareto

MOST_BYTES = 1_000_000_000  # of all weights in a study, for `auto`
# The axes of every front on which a network can be chosen.
FRONTS = sorted({*AXES_OF.values(), *AT_LEAST.values(), *AT_MOST.values()})


def superfluous(points: pd.DataFrame, keep: str, stored_bytes: int, repeats: int) -> list[str]:
    """Ids of the runs whose weights go: `keep` is a `KEPT_WEIGHTS`.

    A confirmation was asked for by name and stays, and the runs of a comparison, which no front
    judges, go with `none` only. A lam is judged when all its `repeats` seeds are there, since
    fronts are of means over them.
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
    """Ids of the networks that are handed over for some point of some front."""
    networks = choosable(over_seeds(points))
    return {str(run_id) for axes in FRONTS for run_id in pareto(networks, axes)["run_id"]}
