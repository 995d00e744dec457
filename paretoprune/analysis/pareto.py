"""Which points matter: nondominated and supported points, hypervolume, means over seeds.

All functions take the table as a DataFrame, never alter it, and do not depend on the order of its
rows.
"""

import numpy as np
import pandas as pd
from pymoo.indicators.hv import HV
from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

from paretoprune.study.metric import ACCURACY, least_error

Axes = tuple[str, str]  # two columns to be minimised

AXES: Axes = ("val_loss", "complexity")
CHOSEN_ROLES = ("search", "derived")
SPLITS = {"validation": "val", "test": "test"}  # by data, how their columns begin

# Hypervolume: log10(error) x log10(nonzero share), from the ideal to the reference.
IDEAL = np.log10([0.001, 0.001])
REFERENCE = np.log10([0.1, 1.0])
CONSTANT = np.log10([1.0, 1.0])  # the reference where an error is a share of that prediction's loss


def choosable(points: pd.DataFrame) -> pd.DataFrame:
    """The points from which a front and a knee are chosen: searched for and alive."""
    return alive(points[points["role"].isin(CHOSEN_ROLES)])


def alive(points: pd.DataFrame) -> pd.DataFrame:
    """The points that were trained to the end and are not collapsed."""
    return points[(points["status"] == "done") & ~points["collapsed"]]


def pareto(points: pd.DataFrame, axes: Axes = AXES) -> pd.DataFrame:
    """The nondominated points, sorted from the least value on the first axis."""
    chosen = nondominated(points[list(axes)].to_numpy(float))
    return points.iloc[chosen].sort_values([*axes, "run_id"])


def nondominated(values: np.ndarray) -> np.ndarray:
    """Indices of the rows of `values` [N, 2] that no other dominates; both are to be minimised.

    Rows with a NaN are left out. Of many rows most are dominated by the best second value to their
    left, which is seen at once.
    """
    known = np.flatnonzero(~np.isnan(values).any(axis=1))
    order = known[np.lexsort(values[known].T[::-1])]
    second = values[order, 1]
    left = np.minimum.accumulate(np.append(np.inf, second))[:-1]
    candidates: np.ndarray = order[second <= left]
    if len(candidates) == 0:
        return candidates
    chosen = NonDominatedSorting().do(values[candidates], only_non_dominated_front=True)
    return np.asarray(candidates[chosen])


def supported(points: pd.DataFrame, axes: Axes = AXES) -> pd.DataFrame:
    """The corners of the lower convex hull, sorted from the least value on the first axis.

    Of points with equal values the one of smallest `lam` stands for all.
    """
    front = pareto(points, axes).sort_values([*axes, "lam"]).drop_duplicates(list(axes))
    values = front[list(axes)].to_numpy(float)
    hull: list[int] = []
    for index in range(len(values)):
        while len(hull) >= 2 and not _turns_left(*values[[*hull[-2:], index]]):
            hull.pop()
        hull.append(index)
    return front.iloc[hull]


def _turns_left(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> bool:
    return bool((b[0] - a[0]) * (c[1] - a[1]) > (b[1] - a[1]) * (c[0] - a[0]))


def hypervolume(errors: np.ndarray, nonzero_shares: np.ndarray, quality: str = ACCURACY) -> float:
    """Dominated share of the reference box, in [0, 1]; both arguments are fractions of shape [N].

    In log10(error) x log10(nonzero share), to (0.1 %, 0.1 %) from (10 %, 100 %), or from (100 %,
    100 %) of other qualities, whose errors are shares of the constant prediction's loss.
    """
    if len(errors) == 0:
        return 0.0
    logs = np.log10(np.maximum(np.column_stack([errors, nonzero_shares]), 1e-300))
    reference = REFERENCE if quality == ACCURACY else CONSTANT
    unit = np.clip((logs - IDEAL) / (reference - IDEAL), 0, 1)
    return float(HV(ref_point=np.ones(2))(unit))


def hypervolume_of(points: pd.DataFrame, samples: int, quality: str = ACCURACY) -> float:
    """Hypervolume of the living points on validation data of `samples` images.

    No error counts as less than `least_error`, no network as less than one weight.
    """
    living = choosable(points)
    shares = living["nonzeros"].clip(lower=1) / living["prunable_weights"]
    errors = living["val_error"].clip(lower=least_error(samples, quality))
    return hypervolume(errors.to_numpy(), shares.to_numpy(), quality)


MEANS = (
    *("train_loss", "val_loss", "val_loss_se", "val_error", "test_loss", "test_error"),
    *("complexity", "l1", "nonzeros", "sparsity", "seconds"),
    *("parameters", "compact_parameters", "neurons", "dense_flops", "flops", "compact_flops"),
)

# What tells the runs of a study apart, beside their seed.
VARIANT = ("role", "method", "lam", "epochs", "moments", "normalize", "split")


def over_seeds(points: pd.DataFrame) -> pd.DataFrame:
    """One row for all runs that differ in their seed only; numbers are means over living seeds.

    Text, lists and `run_id` are those of the seed of least validation loss: the network that is
    handed over. Adds `seeds` (how many live) and, for each mean, `NAME_sd`: the standard deviation
    between seeds (0 for one seed).
    """
    keys, means = list(VARIANT), list(MEANS)
    living = alive(points)
    order = points.assign(dead=~points.index.isin(living.index)).sort_values(
        ["dead", "val_loss", "seed"], kind="stable"
    )
    chosen = order.drop_duplicates(keys).index.sort_values()
    groups = living.groupby(keys, dropna=False)  # SMGD has no lam
    rows = points.astype(dict.fromkeys(MEANS, float))
    rows.loc[living.index, means] = groups[means].transform("mean")
    rows = rows.join(groups[means].transform("std").fillna(0.0).add_suffix("_sd"))
    rows["seeds"] = groups["seed"].transform("size").reindex(rows.index, fill_value=0)
    return rows.loc[chosen]


HOLE = 10  # neighbours on the front farther apart than this factor in nonzeros leave a hole


def wide_gaps(points: pd.DataFrame) -> list[tuple[float, float]]:
    """Neighbouring lams on the front more than tenfold apart in nonzeros, lam = 0 excepted."""
    front = pareto(choosable(over_seeds(points)))
    front = front[front["lam"] > 0]
    sizes = front["nonzeros"].clip(lower=1).to_numpy()
    lams = front["lam"].tolist()
    wide = [i for i in range(len(lams) - 1) if sizes[i] > HOLE * sizes[i + 1]]
    return [(min(lams[i : i + 2]), max(lams[i : i + 2])) for i in wide]
