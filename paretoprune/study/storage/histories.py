"""Histories of runs: one file per run, one row per epoch."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from paretoprune.study.column import MANY
from paretoprune.study.storage.parquet import read_frame
from paretoprune.study.storage.paths import path_in_study

EPOCH = ("epoch", "train_loss", "val_loss", "val_error", "complexity", "nonzeros")
HISTORY = pa.schema([(name, pa.float64()) for name in (*EPOCH, "loss_weight", "complexity_weight")])
MOST_FURTHER = 20  # columns that methods add
LONGEST = 60  # characters of a column's name


def read_history(folder: Path, run_id: str) -> pd.DataFrame | None:
    """Read the history of a run, one row per epoch; return `None` if the run has none.

    After the columns of `HISTORY` come those of numbers that the run's method adds, up to
    `MOST_FURTHER`; others are not read. Raises `CorruptStudyError`
    for a history that cannot be read.
    """
    path = path_in_study(folder, "history", f"{run_id}.parquet")
    if not path.exists():
        return None
    return read_frame(path, _complete, "restore it, or move it away")


def _complete(table: pa.Table) -> pa.Table:
    further = [
        name
        for name in table.column_names
        if name not in HISTORY.names and name.isidentifier() and len(name) <= LONGEST
        if pa.types.is_floating(table.schema.field(name).type)
    ]
    more = [pa.field(name, pa.float64()) for name in further[:MOST_FURTHER]]
    schema = pa.schema([*HISTORY, *more])
    table = table.select(schema.names).cast(schema)
    counted = pc.and_(pc.greater(table["epoch"], 0), pc.less_equal(table["epoch"], MANY))
    # the other columns may hold any number, because a loss need not stay finite
    if not pc.all(pc.fill_null(counted, False), min_count=0).as_py():
        raise ValueError("an epoch is no number of an epoch")
    return table
