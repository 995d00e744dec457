"""`points.parquet`, the table of points, with the weights, histories and logs of its runs."""

import os
import re
from collections.abc import Container, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from safetensors.numpy import save

from paretoprune._version import __version__
from paretoprune.errors import CorruptStudyError, CouldNotError, UsageError, printable
from paretoprune.study.column import ALWAYS, Column
from paretoprune.study.columns import COLUMNS
from paretoprune.study.row import Row, assemble
from paretoprune.study.storage.atomic import remove, write_aside, write_bytes, write_text
from paretoprune.study.storage.parquet import frame_of, open_table, read_frame
from paretoprune.study.storage.paths import TABLE, file_in_study, path_in_study, require_study
from paretoprune.study.storage.settings_file import VERSION, require_known
from paretoprune.study.storage.table_checks import RUN_ID, require_valid
from paretoprune.study.storage.tensors import read_tensors

LAYER = pa.struct(
    [
        ("name", pa.string()),
        ("shape", pa.list_(pa.int64())),
        ("nonzeros", pa.int64()),
        ("l1", pa.float64()),
    ]
)
TYPES = {
    "text": pa.string(),
    "whole": pa.int64(),
    "real": pa.float64(),
    "flag": pa.bool_(),
    "layers": pa.list_(LAYER),
}
Columns = Mapping[str, Column]


def schema_of(columns: Columns) -> pa.Schema:
    """Return the schema of a table with these columns."""
    return pa.schema(
        [(name, TYPES[column.kind]) for name, column in columns.items()],
        metadata={"paretoprune": str(VERSION)},
    )


SCHEMA = schema_of(COLUMNS)


def read(folder: Path, columns: Columns = COLUMNS) -> pd.DataFrame:
    """Read the table: one row per run, in the order in which they were recorded; it may be empty.

    Args:
        folder: The folder of the study.
        columns: The columns of the study (`Plan.columns`); the file may have more.

    Raises:
        UsageError: If there is no study.
        CorruptStudyError: If the table cannot be read.
    """
    require_study(folder)
    path = path_in_study(folder, TABLE)
    if not path.exists():
        return frame_of(schema_of(columns).empty_table())

    def complete(table: pa.Table) -> pa.Table:
        require_known(path, int((table.schema.metadata or {}).get(b"paretoprune", 0)))
        return require_valid(_complete(table, columns), columns)

    remedy = "restore it, or move it away to begin the table anew"
    return _shown(read_frame(path, complete, remedy))


def record(
    folder: Path,
    rows: Sequence[Row],
    weights: Mapping[str, Mapping[str, np.ndarray]],
    histories: Mapping[str, Mapping[str, Sequence[float]]],
    logs: Mapping[str, str],
    columns: Columns = COLUMNS,
) -> pd.DataFrame:
    """Add rows to the table in one write, after the files that they name.

    Args:
        folder: The folder of the study.
        rows: The columns of the new rows that the storage does not fill. A row replaces an older
            one of the same run.
        weights: Tensors by name, for each run id.
        histories: Columns of the history by name, for each run id.
        logs: Text of the log, for each run id.
        columns: The columns of the study.

    Returns the whole table, as `read` does. Raises `CouldNotError` if a file cannot be written, or
    if a row would make the table unreadable.
    """
    for run_id, tensors in weights.items():
        path = file_in_study(folder, "weights", f"{run_id}.safetensors")
        # not save_file, whose temporary file would survive a kill under another name than ours
        write_aside(path, partial(write_bytes, save(dict(tensors))))
    for run_id, history in histories.items():
        path = file_in_study(folder, "history", f"{run_id}.parquet")
        write_aside(path, partial(pq.write_table, pa.table(dict(history))))
    for run_id, text in logs.items():
        path = file_in_study(folder, "logs", f"{run_id}.log")
        write_aside(path, partial(write_text, text))
    try:
        complete = [
            assemble(columns, row, _stored_with(str(row["run_id"]), weights, logs)) for row in rows
        ]
        new = require_valid(pa.Table.from_pylist(complete, schema_of(columns)), columns)
    except ValueError as error:  # once written, this row would make the whole table unreadable
        raise CouldNotError(f"cannot record a fleet ({error}): please report this") from error
    path = path_in_study(folder, TABLE)
    both = _append(open_table(path), new, columns) if path.exists() else new
    write_aside(path, partial(pq.write_table, both))
    return _shown(frame_of(_complete(both, columns)))


def _stored_with(run_id: str, weights: Container[str], logs: Container[str]) -> Row:
    """Return the columns that the storage fills: the names of a run's files, and our version."""
    return {
        "weights": f"weights/{run_id}.safetensors" if run_id in weights else None,
        "log": f"logs/{run_id}.log" if run_id in logs else None,
        "paretoprune_version": __version__,
    }


def weights_path(folder: Path, run_id: str) -> Path:
    """Return the path of the weights of a run."""
    return path_in_study(folder, "weights", f"{run_id}.safetensors")


def read_weights(folder: Path, run_id: str) -> dict[str, np.ndarray]:
    """Read the weights of a run by name; raise `CorruptStudyError` if they cannot be read."""
    try:
        return read_tensors(weights_path(folder, run_id))
    except UsageError as error:
        raise CorruptStudyError(str(error)) from error


def weights_bytes(folder: Path, points: pd.DataFrame) -> int:
    """Return the number of bytes on disk of the weights that a table names."""
    named = {name.rpartition("/")[2] for name in points["weights"].dropna()}
    try:
        with os.scandir(path_in_study(folder, "weights")) as entries:
            return sum(entry.stat().st_size for entry in entries if entry.name in named)
    except FileNotFoundError:
        return 0


def forget_weights(
    folder: Path, points: pd.DataFrame, run_ids: Sequence[str], columns: Columns = COLUMNS
) -> pd.DataFrame:
    """Delete the weights of the given runs, and weights that no row names; return the table.

    The table is changed before the files are deleted. Files that an interruption leaves behind are
    deleted by the next call.
    """
    if run_ids:
        table = open_table(path_in_study(folder, TABLE))
        gone = pc.is_in(table["run_id"], pa.array(run_ids, pa.string()))
        column = pc.if_else(gone, pa.scalar(None, pa.string()), table["weights"])
        table = table.set_column(table.column_names.index("weights"), "weights", column)
        write_aside(path_in_study(folder, TABLE), partial(pq.write_table, table))
        points = read(folder, columns)
    named = set(points["weights"].dropna())
    for path in path_in_study(folder, "weights").glob("*.safetensors"):
        if f"weights/{path.name}" not in named and re.fullmatch(RUN_ID, path.stem):
            remove(path)
    return points


def _shown(points: pd.DataFrame) -> pd.DataFrame:
    """Make the text of failures, which quotes exceptions, printable in place; return the table."""
    points["failure"] = points["failure"].map(printable)
    return points


def _append(table: pa.Table, new: pa.Table, columns: Columns) -> pa.Table:
    """Add rows and drop older rows of the same runs; columns of a newer version are kept."""
    again = pc.is_in(table["run_id"], new["run_id"].combine_chunks())
    table = table.filter(pc.invert(again))
    known = _complete(table, columns)
    for name in table.column_names:
        if name not in columns:
            known = known.append_column(name, table[name])
    return pa.concat_tables([known, new], promote_options="default")


def _complete(table: pa.Table, columns: Columns) -> pa.Table:
    """Return the known columns, filling those that an older version did not write."""
    schema = schema_of(columns)
    for name, column in columns.items():
        if column.older != ALWAYS and name not in table.column_names:
            values = pa.array([column.older] * len(table), schema.field(name).type)
            table = table.append_column(name, values)
    return table.select(schema.names).cast(schema)
