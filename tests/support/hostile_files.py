"""Hostile files, made by hand: a few bytes that say they are gigabytes, and a pickle that acts."""

import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from paretoprune.study.storage import SCHEMA

MEBI = 2**20


class Touching:
    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, ("touched",)


def good_row(**changes: object) -> dict[str, object]:
    """A row of a table that nobody can object to."""
    return {
        "run_id": "0123456789ab",
        "round": 0,
        "role": "search",
        "method": "weighted-sum",
        "search": "knee",
        "lam": 0.25,
        "seed": 0,
        "epochs": 3,
        "batch_size": 32,
        "optimizer": "adam",
        "moments": "joint",
        "learning_rate": 0.01,
        "momentum": 0.0,
        "l2_conv": 0.0,
        "normalize": "none",
        "split": False,
        "schedule": "cosine",
        "threshold": 0.003,
        "warm_up": 0.0,
        "complexity_kind": "l1",
        "status": "done",
        "failure": "",
        "collapsed": False,
        **dict.fromkeys(("train_loss", "val_loss", "test_loss", "complexity", "l1"), 0.5),
        **dict.fromkeys(("val_loss_se", "val_error", "test_error"), 0.1),
        "nonzeros": 2,
        "prunable_weights": 6,
        "sparsity": 2 / 3,
        "layers": [{"name": "1.weight", "shape": [2, 3], "nonzeros": 2, "l1": 0.5}],
        "seconds": 1.0,
        "fleet_size": 2,
        "device": "cpu",
        "started_at": "2026-01-01T00:00:00+00:00",
        "paretoprune_version": "0.1.0",
        "torch_version": "2.11.0",
        **changes,
    }


def good_rows(count: int) -> pa.Table:
    """So many of them, whose ids differ."""
    table = pa.Table.from_pylist([good_row()], SCHEMA).take(pa.array(np.zeros(count, int)))
    return with_column(table, "run_id", pa.array([f"{number:012x}" for number in range(count)]))


def with_column(table: pa.Table, name: str, column: pa.Array | pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, column)


def repeated_text(path: Path) -> None:
    """The same megabyte of text in 20,000 rows: 20 GB in 0.4 MB."""
    table = good_rows(20_000)
    indices = pa.array(np.zeros(len(table), np.int32))
    text = pa.DictionaryArray.from_arrays(indices, ["a" * MEBI])
    pq.write_table(with_column(table, "failure", text), path, dictionary_pagesize_limit=2 * MEBI)


def repeated_name(path: Path) -> None:
    """The same, but inside of the lists of layers."""
    layers = good_row()["layers"] * 1000
    texts = pa.DictionaryArray.from_arrays(pa.array(np.zeros(1000, np.int32)), ["a" * 10 * MEBI])
    part = pa.array(layers, SCHEMA.field("layers").type.value_type)
    fields = [part.field(name) for name in ("shape", "nonzeros", "l1")]
    part = pa.StructArray.from_arrays([texts, *fields], ["name", "shape", "nonzeros", "l1"])
    column = pa.ListArray.from_arrays([0, len(layers)], part)
    pq.write_table(
        with_column(good_rows(1), "layers", column), path, dictionary_pagesize_limit=20 * MEBI
    )


def many_rows(path: Path, rows: int = 3_000_000) -> None:
    """Columns in which each row is the same; nothing of them is kept but how many there are."""
    zeros = pa.array(np.zeros(rows))
    pq.write_table(pa.table({"epoch": zeros, "train_loss": zeros}), path)


def many_layers(path: Path, entries: int = 2_000_000) -> None:
    """A list of layers in one row, all alike."""
    kind = SCHEMA.field("layers").type
    one = pa.array([good_row()["layers"]], kind).values
    part = one.take(pa.array(np.zeros(entries, int)))
    pq.write_table(
        with_column(good_rows(1), "layers", pa.ListArray.from_arrays([0, entries], part)), path
    )


def compressed(codec: str, path: Path) -> None:
    """30 MB of one letter, by a codec that makes nothing of them."""
    text = pa.array(["a" * 30 * MEBI])
    pq.write_table(
        with_column(good_rows(1), "failure", text), path, compression=codec, use_dictionary=False
    )


def shared_beginnings(path: Path) -> None:
    """Texts that differ in their last letters: each is kept as what it adds to the one before."""
    table = good_rows(2_000)
    text = pa.array([f"{'a' * 50_000}{number}" for number in range(len(table))])
    pq.write_table(
        with_column(table, "failure", text),
        path,
        use_dictionary=False,
        column_encoding={"failure": "DELTA_BYTE_ARRAY"},
    )


def wide_values(path: Path) -> None:
    """Values of a fixed length of 64 KB, all alike."""
    width, table = MEBI // 16, good_rows(500)
    column = pa.array([b"a" * width] * len(table), pa.binary(width))
    pq.write_table(with_column(table, "failure", column), path, store_schema=False)


def lying_page(path: Path, values: int = 300_000_000) -> None:
    """A page of a list that says that it holds more values than its file says."""
    table = with_column(
        good_rows(1), "layers",
        pa.array([good_row()["layers"] * 50], SCHEMA.field("layers").type),
    )  # fmt: skip
    pq.write_table(table, path, compression="NONE", use_dictionary=False, write_statistics=False)
    columns = pq.read_metadata(path).row_group(0)
    numbered = (columns.column(number) for number in range(columns.num_columns))
    chunk = next(c for c in numbered if c.path_in_schema == "layers.list.element.l1")
    nested = int_field(1, values) + int_field(1, 0) + int_field(1, 3) + int_field(1, 3) + b"\0"
    levels = run_of([(1, 0), (values - 1, 1)]) + run_of([(values, 1)])  # all of them null
    size = chunk.total_compressed_size

    def header(length: int) -> bytes:
        return int_field(1, 0) + 2 * int_field(1, length) + b"\x2c" + nested + b"\0"

    content = bytearray(path.read_bytes())
    page = (header(size - len(header(size))) + levels).ljust(size, b"\0")
    content[chunk.data_page_offset : chunk.data_page_offset + size] = page
    path.write_bytes(content)


def int_field(step: int, value: int) -> bytes:
    """A 32-bit integer of Thrift's compact protocol, `step` fields after the last one."""
    return bytes([step << 4 | 5]) + varint(value << 1)


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def run_of(runs: list[tuple[int, int]]) -> bytes:
    """Levels as Parquet counts them: how many, and which."""
    body = b"".join(varint(count << 1) + bytes([level]) for count, level in runs)
    return struct.pack("<i", len(body)) + body
