"""Safe reading of Parquet files from untrusted sources.

The size of the content is bounded before it is decoded, because a file of a few bytes can declare
that it holds terabytes.
"""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from paretoprune.errors import CorruptStudyError
from paretoprune.study.storage.atomic import first_line
from paretoprune.study.storage.parquet_limits import require_limits

MOST_BYTES = 1_000_000_000  # of a file
# A dictionary stores a text once for all of its rows. Once it stands in every row, the text of a
# file may take at most TEXT_ROOM bytes plus TEXT_SHARE times the file's size.
TEXT_ROOM, TEXT_SHARE = 64_000_000, 16


def open_table(path: Path) -> pa.Table:
    """Read a Parquet file as a table.

    The file is opened only once, so that the table is consistent even if another process replaces
    the file meanwhile. Raises `ValueError` for a file that is too large, or that is not written
    as paretoprune, or pandas by default, writes it.
    """
    with path.open("rb") as stream:
        content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES:,} bytes")
    require_limits(memoryview(content))
    with _opened(content) as file:
        schema = file.schema_arrow
        texts = [
            file.schema.column(number).path
            for number in range(len(file.schema))
            if file.schema.column(number).physical_type == "BYTE_ARRAY"
        ]
    with _opened(content, read_dictionary=texts) as file:
        table = file.read()
    if sum(map(_text_bytes, table.columns)) > TEXT_ROOM + TEXT_SHARE * len(content):
        raise ValueError("its text is out of proportion to its size")
    table = table.cast(schema)
    table.validate(full=True)
    return table


def _opened(content: bytes, **options: object) -> pq.ParquetFile:
    return pq.ParquetFile(pa.BufferReader(content), **options)


def _text_bytes(column: pa.Array | pa.ChunkedArray) -> int:
    """Return the number of bytes of a column's text once it stands in every row."""
    if isinstance(column, pa.ChunkedArray):
        return sum(map(_text_bytes, column.chunks))
    if pa.types.is_dictionary(column.type):
        if not pa.types.is_string(column.type.value_type):
            return 0
        lengths = pc.binary_length(column.dictionary).take(column.indices)
        return int(pc.sum(lengths).as_py() or 0)
    if pa.types.is_list(column.type):
        return _text_bytes(column.flatten())
    if pa.types.is_struct(column.type):
        return sum(map(_text_bytes, column.flatten()))
    return 0


def read_frame(path: Path, complete: Callable[[pa.Table], pa.Table], remedy: str) -> pd.DataFrame:
    """Read a Parquet file as a DataFrame.

    Args:
        path: The file.
        complete: Brings the table into its current form; raises `ValueError` for bad content.
        remedy: What the user can do about a file that cannot be read, for the error message.

    Raises:
        CorruptStudyError: The file cannot be read, or `complete` raises an exception.
    """
    try:
        return frame_of(complete(open_table(path)))
    except (pa.ArrowException, ValueError, KeyError, OSError) as error:
        raise CorruptStudyError(f"{path} cannot be read ({first_line(error)}): {remedy}") from error


def frame_of(table: pa.Table) -> pd.DataFrame:
    """Convert a table to pandas."""
    frame: pd.DataFrame = table.to_pandas()
    return frame
