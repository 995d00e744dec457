"""Aggregation of runs: which points count for a front, and their means over seeds."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from paretoprune.study.column import Column
from paretoprune.study.columns import COLUMNS

CHOSEN_ROLES = ("search", "derived")


def choosable(points: pd.DataFrame) -> pd.DataFrame:
    """Return the living points with a role in `CHOSEN_ROLES`: the candidates for a front."""
    return alive(points[points["role"].isin(CHOSEN_ROLES)])


def alive(points: pd.DataFrame) -> pd.DataFrame:
    """Return the points that were trained to the end and are not collapsed."""
    return points[(points["status"] == "done") & ~points["collapsed"]]


# Columns of every study that are averaged over the seeds of a network.
MEANS = tuple(name for name, column in COLUMNS.items() if column.is_mean)


def variant_columns(columns: Mapping[str, Column]) -> list[str]:
    """Return the names of the columns that distinguish networks."""
    return [name for name, column in columns.items() if column.is_variant]


def over_seeds(points: pd.DataFrame, columns: Mapping[str, Column] = COLUMNS) -> pd.DataFrame:
    """Return one row for all runs that differ only in their seed.

    Columns that are averaged (`Column.is_mean`) hold means over the living seeds. The others,
    `run_id` among them, are those of the living seed with the least validation loss, whose network
    is the one that is exported. The result also has the column `seeds`, the number of living seeds,
    and for each mean a column `NAME_sd`, the sample standard deviation between seeds (0 for one
    seed).

    Args:
        points: the table, or those of its columns that matter: the averaged ones, and those of
            the distinguishing ones that can differ.
        columns: the columns of the study.
    """
    keys = [name for name in variant_columns(columns) if name in points]
    means = [name for name, column in columns.items() if column.is_mean]
    deviations = [f"{name}_sd" for name in means]
    is_living = points.index.isin(alive(points).index)
    zeros = np.where(is_living[:, None], np.zeros(len(means)), np.nan)
    counts = {name: points[name].astype(float) for name in means if points[name].dtype != float}
    means_of_one = [points.assign(**counts), pd.DataFrame(zeros, points.index, deviations)]
    rows = pd.concat(means_of_one, axis=1).assign(seeds=is_living.astype(int))
    if not points.duplicated(keys).any():
        return rows
    living = rows[is_living]
    groups = living.groupby(keys, dropna=False)  # not every run has a lam
    rows.loc[is_living, means] = groups[means].transform("mean")
    rows.loc[is_living, deviations] = groups[means].transform("std").fillna(0.0).to_numpy()
    rows.loc[is_living, "seeds"] = groups["seed"].transform("size")
    order = points.assign(dead=~is_living).sort_values(["dead", "val_loss", "seed"], kind="stable")
    return rows.loc[order.drop_duplicates(keys).index.sort_values()]
