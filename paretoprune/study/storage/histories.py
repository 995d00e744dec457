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
SPLIT = ("conv_loss_weight", "conv_l2_weight")  # only in the histories of split runs


def read_history(folder: Path, run_id: str) -> pd.DataFrame | None:
    """Read the history of a run, one row per epoch; return `None` if the run has none.

    The columns `SPLIT`, the weights of the convolutional block, are NaN unless the run is split.
    Raises `CorruptStudyError` for a history that cannot be read.
    """
    path = path_in_study(folder, "history", f"{run_id}.parquet")
    if not path.exists():
        return None
    frame = read_frame(path, _complete, "restore it, or move it away")
    return frame.reindex(columns=[*HISTORY.names, *SPLIT])


def _complete(table: pa.Table) -> pa.Table:
    split = [pa.field(name, pa.float64()) for name in SPLIT if name in table.column_names]
    schema = pa.schema([*HISTORY, *split])
    table = table.select(schema.names).cast(schema)
    counted = pc.and_(pc.greater(table["epoch"], 0), pc.less_equal(table["epoch"], MANY))
    # the other columns may hold any number, because a loss need not stay finite
    if not pc.all(pc.fill_null(counted, False), min_count=0).as_py():
        raise ValueError("an epoch is no number of an epoch")
    return table
