"""`points.parquet`, the table of points, with the weights, histories and logs of its runs."""

import os
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from safetensors.numpy import save

from paretoprune._version import __version__
from paretoprune.errors import CouldNotError, printable
from paretoprune.study.storage.atomic import remove, write_aside, write_bytes, write_text
from paretoprune.study.storage.parquet import frame_of, open_table, read_frame
from paretoprune.study.storage.paths import TABLE, file_in_study, path_in_study, require_study
from paretoprune.study.storage.settings_file import VERSION, require_known
from paretoprune.study.storage.table_checks import RUN_ID, SIZES, require_valid

LAYER = pa.struct(
    [
        ("name", pa.string()),
        ("shape", pa.list_(pa.int64())),
        ("nonzeros", pa.int64()),
        ("l1", pa.float64()),
    ]
)
TEXT, WHOLE, REAL = pa.string(), pa.int64(), pa.float64()
# Columns may be added, with the value that their absence in older tables means; never renamed.
ABSENT: dict[str, object] = {
    "momentum": 0.0,
    "l2_conv": 0.0,
    "warm_up": 0.0,
    "normalize": "none",
    "split": False,
    **dict.fromkeys(SIZES),
}
SCHEMA = pa.schema(
    [
        *(("run_id", TEXT), ("round", WHOLE), ("role", TEXT), ("parent", TEXT)),
        *(("method", TEXT), ("search", TEXT), ("lam", REAL), ("seed", WHOLE), ("epochs", WHOLE)),
        *(("batch_size", WHOLE), ("optimizer", TEXT), ("moments", TEXT), ("learning_rate", REAL)),
        *(("momentum", REAL), ("l2_conv", REAL), ("normalize", TEXT), ("split", pa.bool_())),
        *(("schedule", TEXT), ("threshold", REAL), ("warm_up", REAL), ("complexity_kind", TEXT)),
        *(("status", TEXT), ("failure", TEXT), ("collapsed", pa.bool_())),
        *(("train_loss", REAL), ("val_loss", REAL)),
        *(("val_loss_se", REAL), ("val_error", REAL), ("test_loss", REAL), ("test_error", REAL)),
        *(("complexity", REAL), ("l1", REAL), ("nonzeros", WHOLE), ("prunable_weights", WHOLE)),
        *((name, WHOLE) for name in SIZES),
        *(("sparsity", REAL), ("layers", pa.list_(LAYER)), ("seconds", REAL)),
        *(("fleet_size", WHOLE), ("device", TEXT), ("started_at", TEXT), ("weights", TEXT)),
        *(("log", TEXT), ("paretoprune_version", TEXT), ("torch_version", TEXT)),
    ],
    metadata={"paretoprune": str(VERSION)},
)

Row = Mapping[str, object]


def read(folder: Path) -> pd.DataFrame:
    """Read the table: one row per run, in the order in which they were recorded; it may be empty.

    Raises `UsageError` if there is no study, and `CorruptStudyError` if the table cannot be read.
    """
    require_study(folder)
    path = path_in_study(folder, TABLE)
    if not path.exists():
        return frame_of(SCHEMA.empty_table())

    def complete(table: pa.Table) -> pa.Table:
        require_known(path, int((table.schema.metadata or {}).get(b"paretoprune", 0)))
        return require_valid(_complete(table))

    remedy = "restore it, or move it away to begin the table anew"
    return _shown(read_frame(path, complete, remedy))


def record(
    folder: Path,
    rows: Sequence[Row],
    weights: Mapping[str, Mapping[str, np.ndarray]],
    histories: Mapping[str, Mapping[str, Sequence[float]]],
    logs: Mapping[str, str],
) -> pd.DataFrame:
    """Add rows to the table in one write, after the files that they name.

    Args:
        folder: The folder of the study.
        rows: The new rows; a row replaces an older one of the same run.
        weights: Tensors by name, for each run id.
        histories: Columns of the history by name, for each run id.
        logs: Text of the log, for each run id.

    Returns the whole table, as `read` does. Raises `CouldNotError` if a file cannot be written, or
    if a row would make the table unreadable.
    """
    for run_id, tensors in weights.items():
        path = file_in_study(folder, "weights", f"{run_id}.safetensors")
        # not save_file, whose temporary file would survive a kill under another name than ours
        write_aside(path, partial(write_bytes, save(dict(tensors))))
    for run_id, columns in histories.items():
        path = file_in_study(folder, "history", f"{run_id}.parquet")
        write_aside(path, partial(pq.write_table, pa.table(dict(columns))))
    for run_id, text in logs.items():
        path = file_in_study(folder, "logs", f"{run_id}.log")
        write_aside(path, partial(write_text, text))
    versions = {"paretoprune_version": __version__}
    paths = [
        {
            "weights": f"weights/{row['run_id']}.safetensors" if row["run_id"] in weights else None,
            "log": f"logs/{row['run_id']}.log" if row["run_id"] in logs else None,
        }
        for row in rows
    ]
    new = pa.Table.from_pylist(
        [{**row, **named, **versions} for row, named in zip(rows, paths, strict=True)], SCHEMA
    )
    try:
        require_valid(new)
    except ValueError as error:  # once written, this row would make the whole table unreadable
        raise CouldNotError(f"cannot record a fleet ({error}): please report this") from error
    path = path_in_study(folder, TABLE)
    both = _append(open_table(path), new) if path.exists() else new
    write_aside(path, partial(pq.write_table, both))
    return _shown(frame_of(_complete(both)))


def weights_bytes(folder: Path, points: pd.DataFrame) -> int:
    """Return the number of bytes on disk of the weights that a table names."""
    named = {name.rpartition("/")[2] for name in points["weights"].dropna()}
    try:
        with os.scandir(path_in_study(folder, "weights")) as entries:
            return sum(entry.stat().st_size for entry in entries if entry.name in named)
    except FileNotFoundError:
        return 0


def forget_weights(folder: Path, points: pd.DataFrame, run_ids: Sequence[str]) -> pd.DataFrame:
    """Delete the weights of the given runs, and weights that no row names; return the table.

    The table is changed before the files are deleted. Files that an interruption leaves behind are
    deleted by the next call.
    """
    if run_ids:
        table = open_table(path_in_study(folder, TABLE))
        gone = pc.is_in(table["run_id"], pa.array(run_ids, TEXT))
        column = pc.if_else(gone, pa.scalar(None, TEXT), table["weights"])
        table = table.set_column(table.column_names.index("weights"), "weights", column)
        write_aside(path_in_study(folder, TABLE), partial(pq.write_table, table))
        points = read(folder)
    named = set(points["weights"].dropna())
    for path in path_in_study(folder, "weights").glob("*.safetensors"):
        if f"weights/{path.name}" not in named and re.fullmatch(RUN_ID, path.stem):
            remove(path)
    return points


def _shown(points: pd.DataFrame) -> pd.DataFrame:
    """Make the text of failures, which quotes exceptions, printable in place; return the table."""
    points["failure"] = points["failure"].map(printable)
    return points


def _append(table: pa.Table, new: pa.Table) -> pa.Table:
    """Add rows and drop older rows of the same runs; columns that are not in `SCHEMA` are kept."""
    again = pc.is_in(table["run_id"], new["run_id"].combine_chunks())
    table = table.filter(pc.invert(again))
    known = _complete(table)
    for name in table.column_names:
        if name not in SCHEMA.names:
            known = known.append_column(name, table[name])
    return pa.concat_tables([known, new], promote_options="default")


def _complete(table: pa.Table) -> pa.Table:
    """Return the columns of `SCHEMA`, filling those that an older version did not write."""
    for name, value in ABSENT.items():
        if name not in table.column_names:
            column = pa.array([value] * len(table), SCHEMA.field(name).type)
            table = table.append_column(name, column)
    return table.select(SCHEMA.names).cast(SCHEMA)
