"""How is a Parquet file read that anybody may have written?"""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from paretoprune.errors import CorruptStudyError
from paretoprune.files import first_line


def open_table(path: Path) -> pa.Table:
    """Read a file that another process may replace meanwhile: opened once, it is one table."""
    with pq.ParquetFile(path) as file:
        return file.read()


def read_frame(path: Path, complete: Callable[[pa.Table], pa.Table], remedy: str) -> pd.DataFrame:
    """Read a file and make it `complete`.

    Raises `CorruptStudyError`, with the `remedy`, where that cannot be done.
    """
    try:
        return frame_of(complete(open_table(path)))
    except (pa.ArrowException, ValueError, KeyError, OSError) as error:
        raise CorruptStudyError(f"{path} cannot be read ({first_line(error)}): {remedy}") from error


def frame_of(table: pa.Table) -> pd.DataFrame:
    """The table as pandas has it."""
    frame: pd.DataFrame = table.to_pandas()
    return frame
