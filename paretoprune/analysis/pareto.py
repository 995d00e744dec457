"""Pareto fronts: nondominated points, supported points, and wide gaps between neighbours.

All functions take the table as a DataFrame, never alter it, and do not depend on the order of its
rows.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

from paretoprune.analysis.aggregate import choosable, over_seeds
from paretoprune.study.column import Column
from paretoprune.study.columns import COLUMNS

Axes = tuple[str, str]  # two columns to be minimised

AXES: Axes = ("val_loss", "complexity")


def pareto(points: pd.DataFrame, axes: Axes = AXES) -> pd.DataFrame:
    """Return the nondominated points, in ascending order of the first axis."""
    return points.iloc[in_order(points[list(axes)].to_numpy(float), points["run_id"])]


def in_order(values: np.ndarray, run_ids: pd.Series) -> np.ndarray:
    """Return the indices of the nondominated rows of `values` [N, 2], in ascending order.

    Equal rows are in the order of their run ids.
    """
    chosen = nondominated(values)
    return chosen[np.lexsort((run_ids.to_numpy(str)[chosen], *values[chosen].T[::-1]))]


def nondominated(values: np.ndarray) -> np.ndarray:
    """Return the indices of the rows of `values` [N, 2] that no other row dominates.

    Both columns are minimised. Rows with a NaN are left out. A first pass drops each row whose
    second value exceeds the least one to its left, because of many rows these are most.
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
    """Return the corners of the lower convex hull, in ascending order of the first axis.

    Of points with equal values only the one of the smallest `lam` is returned.
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
    """Return whether the path a, b, c in the plane (each of shape [2]) turns left at b."""
    return bool((b[0] - a[0]) * (c[1] - a[1]) > (b[1] - a[1]) * (c[0] - a[0]))


HOLE = 10  # neighbours on the front farther apart than this factor in nonzeros leave a hole


def wide_gaps(
    points: pd.DataFrame, columns: Mapping[str, Column] = COLUMNS
) -> list[tuple[float, float]]:
    """Return pairs of neighbouring λs > 0 on the front with nonzeros more than tenfold apart.

    The front is that of `AXES` over the means of seeds. The smaller λ of each pair comes first.
    """
    front = pareto(choosable(over_seeds(points, columns)))
    front = front[front["lam"] > 0]
    sizes = front["nonzeros"].clip(lower=1).to_numpy()
    lams = front["lam"].tolist()
    wide = [i for i in range(len(lams) - 1) if sizes[i] > HOLE * sizes[i + 1]]
    return [(min(lams[i : i + 2]), max(lams[i : i + 2])) for i in wide]
