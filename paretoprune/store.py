"""A study on disk: its plan, the table of its points, weights, histories and logs.

The only writer. Every file is written aside, flushed and renamed, and the table comes last, so a
row never names a file that is not there.
"""

import contextlib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import tomli_w
from filelock import FileLock, Timeout
from safetensors.numpy import save_file

from paretoprune import __version__
from paretoprune.errors import (
    BusyStudyError,
    CorruptStudyError,
    UsageError,
)
from paretoprune.files import first_line, write_aside, write_text, writing
from paretoprune.settings import Budget, Measured, Plan, Settings, from_table

VERSION = 1  # of the files of a study; a larger one is from a newer paretoprune
PLAN, TABLE, LOCK, PICTURE = "study.toml", "points.parquet", ".lock", "front.png"

LAYER = pa.struct(
    [
        ("name", pa.string()),
        ("shape", pa.list_(pa.int64())),
        ("nonzeros", pa.int64()),
        ("l1", pa.float64()),
    ]
)
TEXT, WHOLE, REAL = pa.string(), pa.int64(), pa.float64()
# Columns may be added, with what older tables mean by their absence; never renamed.
ABSENT: dict[str, object] = {
    "momentum": 0.0,
    "l2_conv": 0.0,
    "warm_up": 0.0,
    "normalize": "none",
    "split": False,
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
        *(("sparsity", REAL), ("layers", pa.list_(LAYER)), ("seconds", REAL)),
        *(("fleet_size", WHOLE), ("device", TEXT), ("started_at", TEXT), ("weights", TEXT)),
        *(("log", TEXT), ("paretoprune_version", TEXT), ("torch_version", TEXT)),
    ],
    metadata={"paretoprune": str(VERSION)},
)

EPOCH = ("epoch", "train_loss", "val_loss", "val_error", "complexity", "nonzeros")
HISTORY = pa.schema([(name, REAL) for name in (*EPOCH, "loss_weight", "complexity_weight")])
SPLIT = ("conv_loss_weight", "conv_l2_weight")  # only in the history of a split run

Row = Mapping[str, object]


def is_study(folder: Path) -> bool:
    """Whether a study lies there."""
    return (folder / PLAN).is_file()


def check_place(folder: Path) -> None:
    """Raise `UsageError` where a new study must not be put: a file, a folder of something else."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file: name a folder for the study")
    if folder.is_dir() and not is_study(folder) and not only_lock(folder):
        raise UsageError(
            f"{folder} holds other files and no {PLAN}, so it is no study: name another folder"
        )


def only_lock(folder: Path) -> bool:
    """Whether nothing but the lock of a study that was never begun lies there."""
    return all(path.name == LOCK for path in folder.iterdir())


def require_study(folder: Path) -> None:
    """Raise `UsageError` where there is no study to read."""
    if not is_study(folder):
        what = "has no study in it" if folder.is_dir() else "does not exist"
        if folder.is_file():
            raise UsageError(f"{folder} is a file: name the folder of a study")
        raise UsageError(f"{folder} {what}: `paretoprune sweep {folder}` makes one")


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other writers out; raise `BusyStudyError` where one is in."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise BusyStudyError(
                f"another process works on {folder}: wait for it or name another folder"
            ) from error
    try:
        yield
    finally:
        lock.release()


def write_plan(folder: Path, plan: Plan) -> None:
    """Write `study.toml`."""
    tables = {name: asdict(getattr(plan, name)) for name in ("settings", "budget", "measured")}
    text = tomli_w.dumps({"version": VERSION, "paretoprune": __version__, **tables})
    write_aside(folder / PLAN, partial(write_text, text))


def read_plan(folder: Path) -> Plan:
    """Read `study.toml`. Raises `UsageError` without a study, `CorruptStudyError` for a bad one."""
    require_study(folder)
    path = folder / PLAN
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        _check_version(path, int(document.get("version", 0)))
        return Plan(
            settings=from_table(Settings, document["settings"]),
            budget=from_table(Budget, document["budget"]),
            measured=from_table(Measured, document["measured"]),
        )
    except KeyError as error:
        raise CorruptStudyError(f"{path} cannot be read: it has no table {error}") from error
    except (ValueError, TypeError, AttributeError, UsageError) as error:
        raise CorruptStudyError(f"{path} cannot be read: {error}") from error


def read(folder: Path) -> pd.DataFrame:
    """Read the table, a row a run in the order in which they were recorded; it may be empty.

    Raises `UsageError` without a study, `CorruptStudyError` for a table that cannot be read.
    """
    require_study(folder)
    path = folder / TABLE
    if not path.exists():
        return _frame(SCHEMA.empty_table())
    try:
        table = _open(path)
        _check_version(path, int((table.schema.metadata or {}).get(b"paretoprune", 0)))
        return _frame(_complete(table))
    except (pa.ArrowException, ValueError, KeyError, OSError) as error:
        raise CorruptStudyError(
            f"{path} cannot be read ({first_line(error)}): restore it, or move it away to begin "
            "the table anew"
        ) from error


def read_history(folder: Path, run_id: str) -> pd.DataFrame | None:
    """Read a run's history, a row an epoch; `None` for a run that has none.

    The weights of a split run's convolutional block are NaN for other runs.
    Raises `CorruptStudyError` for a history that cannot be read.
    """
    path = folder / "history" / f"{run_id}.parquet"
    if not path.exists():
        return None
    try:
        table = _open(path)
        split = [pa.field(name, REAL) for name in SPLIT if name in table.column_names]
        schema = pa.schema([*HISTORY, *split])
        return _frame(table.select(schema.names).cast(schema)).reindex(
            columns=[*HISTORY.names, *SPLIT]
        )
    except (pa.ArrowException, ValueError, KeyError, OSError) as error:
        raise CorruptStudyError(
            f"{path} cannot be read ({first_line(error)}): restore it, or move it away"
        ) from error


def record(
    folder: Path,
    rows: Sequence[Row],
    weights: Mapping[str, Mapping[str, np.ndarray]],
    histories: Mapping[str, Mapping[str, Sequence[float]]],
    logs: Mapping[str, str],
) -> None:
    """Add a fleet's rows at once, after its weights, histories and logs (all by run id)."""
    for run_id, tensors in weights.items():
        path = _inside(folder, "weights", run_id, "safetensors")
        write_aside(path, partial(save_file, dict(tensors)))
    for run_id, columns in histories.items():
        path = _inside(folder, "history", run_id, "parquet")
        write_aside(path, partial(pq.write_table, pa.table(dict(columns))))
    for run_id, text in logs.items():
        path = _inside(folder, "logs", run_id, "log")
        write_aside(path, partial(write_text, text))
    versions = {"paretoprune_version": __version__}
    places = [
        {
            "weights": f"weights/{row['run_id']}.safetensors" if row["run_id"] in weights else None,
            "log": f"logs/{row['run_id']}.log" if row["run_id"] in logs else None,
        }
        for row in rows
    ]
    new = pa.Table.from_pylist(
        [{**row, **place, **versions} for row, place in zip(rows, places, strict=True)], SCHEMA
    )
    path = folder / TABLE
    both = _append(_open(path), new) if path.exists() else new
    write_aside(path, partial(pq.write_table, both))


def weights_bytes(folder: Path, points: pd.DataFrame) -> int:
    """What the weights that a table names take on disk."""
    paths = [folder / name for name in points["weights"].dropna()]
    return sum(path.stat().st_size for path in paths if path.exists())


def forget_weights(folder: Path, points: pd.DataFrame, run_ids: Sequence[str]) -> pd.DataFrame:
    """Delete the weights of runs, and those that no row names; return the table.

    The table says so first; what an interruption left behind goes the next time.
    """
    if run_ids:
        table = _open(folder / TABLE)
        gone = pc.is_in(table["run_id"], pa.array(run_ids, TEXT))
        column = pc.if_else(gone, pa.scalar(None, TEXT), table["weights"])
        table = table.set_column(table.column_names.index("weights"), "weights", column)
        write_aside(folder / TABLE, partial(pq.write_table, table))
        points = read(folder)
    named = set(points["weights"].dropna())
    for path in (folder / "weights").glob("*.safetensors"):
        if f"weights/{path.name}" not in named:
            path.unlink(missing_ok=True)
    return points


def _append(table: pa.Table, new: pa.Table) -> pa.Table:
    """Add rows, in the place of older ones of the same runs; columns of others are kept."""
    again = pc.is_in(table["run_id"], new["run_id"].combine_chunks())
    table = table.filter(pc.invert(again))
    known = _complete(table)
    for name in table.column_names:
        if name not in SCHEMA.names:
            known = known.append_column(name, table[name])
    return pa.concat_tables([known, new], promote_options="default")


def _complete(table: pa.Table) -> pa.Table:
    """The columns of the schema; those that an older version did not write have one value."""
    for name, value in ABSENT.items():
        if name not in table.column_names:
            column = pa.array([value] * len(table), SCHEMA.field(name).type)
            table = table.append_column(name, column)
    return table.select(SCHEMA.names).cast(SCHEMA)


def _open(path: Path) -> pa.Table:
    """Read a file that another process may replace meanwhile: opened once, it is one table."""
    with pq.ParquetFile(path) as file:
        return file.read()


def _frame(table: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _inside(folder: Path, kind: str, run_id: str, ending: str) -> Path:
    with writing(folder):
        (folder / kind).mkdir(exist_ok=True)
    return folder / kind / f"{run_id}.{ending}"


def _check_version(path: Path, version: int) -> None:
    if version > VERSION:
        raise CorruptStudyError(f"{path} is from a newer paretoprune: update paretoprune")
