"""Decompression limits of Parquet files, checked before anything is decoded.

The totals that a file declares may be wrong, and a decoder trusts the header of each page: two
thousand million equal values take four bytes. Therefore the footer and the header of every page
are read here. They need only a few fields of Thrift's compact protocol, whose numbers are those of
parquet.thrift. (pyarrow could read the footer, but some corrupt footers end its process.)
"""

from collections.abc import Iterator
from typing import Any

from paretoprune.study.storage.thrift import Fields, read_struct

MAGIC = b"PAR1"
MOST_FOOTER = 500_000  # bytes
MOST_ROWS = 1_000_000  # of a table: the limit of --max-runs and --epochs
# A file may hold VALUES_ROOM values in all columns and BYTES_ROOM bytes without compression, plus
# SHARE of both for each of its bytes.
VALUES_ROOM, BYTES_ROOM, SHARE = 1_000_000, 64_000_000, 4

# Numbers of fields: of the footer, of a row group, of a column in it, of the column's metadata, ...
SCHEMA, ROWS, GROUPS = 2, 3, 4
COLUMNS, GROUP_ROWS = 1, 3
ABOUT = 3
CODEC, CHUNK_VALUES, LENGTH, DATA_START, DICTIONARY_START = 4, 5, 7, 9, 11
# ... of a column in the schema, of a page header, and of the part of it that depends on the kind.
TYPE = 1
KIND, SIZE, COMPRESSED_SIZE = 1, 2, 3
VALUES, ENCODING = 1, 2

BOOLEAN, INT32, INT64, FLOAT, DOUBLE, BYTE_ARRAY = 0, 1, 2, 4, 5, 6
TYPES = (BOOLEAN, INT32, INT64, FLOAT, DOUBLE, BYTE_ARRAY)
UNCOMPRESSED, SNAPPY = 0, 1
CODECS = (UNCOMPRESSED, SNAPPY)  # Snappy expands one byte to at most 21, others to thousands
# These encodings store a value itself or its index in a dictionary; other encodings repeat parts of
# the previous value.
PLAIN, PLAIN_DICTIONARY, RLE, RLE_DICTIONARY = 0, 2, 3, 8
ENCODINGS = (PLAIN, PLAIN_DICTIONARY, RLE, RLE_DICTIONARY)
DATA_PAGE, DICTIONARY_PAGE = 0, 2  # kinds of a page
HEADER = {DATA_PAGE: 5, DICTIONARY_PAGE: 7}  # field of the page header that describes the kind


def require_limits(content: memoryview) -> None:
    """Raise `ValueError` for a file with too many values, or not as pyarrow writes by default.

    Files that pandas writes by default are written by pyarrow.
    """
    try:
        footer = _footer_of(content)
        groups = footer[GROUPS]
        if max(footer[ROWS], sum(group[GROUP_ROWS] for group in groups)) > MOST_ROWS:
            raise ValueError(f"it has more than {MOST_ROWS:,} rows")
        if any(column.get(TYPE, BOOLEAN) not in TYPES for column in footer[SCHEMA]):
            raise ValueError("a column is of a type that is not known")
        chunks = [column[ABOUT] for group in groups for column in group[COLUMNS]]
        pages = [page for chunk in chunks for page in _pages_of(content, chunk)]
    except (KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise ValueError("its metadata are incomplete") from error
    values, size = (sum(numbers) for numbers in zip((0, 0), *pages, strict=True))
    share = SHARE * len(content)
    if values > VALUES_ROOM + share or size > BYTES_ROOM + share:
        raise ValueError(f"its {values:,} values of {size:,} bytes are too many for its size")


def _footer_of(content: memoryview) -> dict[int, Any]:
    end = len(content) - len(MAGIC) - 4  # the four bytes hold the footer's length
    length = int.from_bytes(content[max(end, 0) : end + 4], "little")
    if content[-len(MAGIC) :] != MAGIC or not 0 < length <= min(MOST_FOOTER, end):
        raise ValueError("it is no Parquet file")
    return read_struct(content[:end], end - length)[0]


def _pages_of(content: memoryview, chunk: Fields) -> Iterator[tuple[int, int]]:
    """Yield the number of values and of uncompressed bytes that each page of a column declares."""
    if chunk[CODEC] not in CODECS:
        raise ValueError("a column is compressed, and not by Snappy")
    starts = [chunk[DATA_START], chunk.get(DICTIONARY_START, 0)]
    start = min(at for at in starts if at)
    end = start + chunk[LENGTH]
    if not 0 < start <= end <= len(content):
        raise ValueError("a column lies outside of the file")
    at, left = start, chunk[CHUNK_VALUES]
    while at < end:
        header, at = read_struct(content[:end], at)
        kind, size, length = header[KIND], header[SIZE], header[COMPRESSED_SIZE]
        page = header[HEADER[kind]]
        values = page[VALUES]
        if page[ENCODING] not in ENCODINGS or min(size, length, values) < 0:
            raise ValueError("a page is of an encoding that is not known")
        at += length
        left -= values if kind == DATA_PAGE else 0
        yield values, size
    if left:
        raise ValueError("a column has another number of values than it says")
