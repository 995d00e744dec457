"""Does a Parquet file hold no more than it seems to? Asked before anything of it is decoded.

A file's own sums may lie, and a decoder believes each page: of values that are all alike, two
thousand million take four bytes. So its footer and the header of every page are read here, which
takes no more than a few fields of Thrift's compact protocol; their numbers are those of
parquet.thrift. (pyarrow would tell what a footer says, but ends the process at some that are
corrupt.)
"""

from collections.abc import Iterator
from typing import Any

from paretoprune.study.storage.thrift import Fields, read_struct

MAGIC = b"PAR1"
MOST_FOOTER = 500_000  # bytes
MOST_ROWS = 1_000_000  # of a table: --max-runs and --epochs go no further
# A file may have so many values, in all columns, and so many bytes without compression; and so many
# more of both for each of its bytes.
VALUES_ROOM, BYTES_ROOM, SHARE = 1_000_000, 64_000_000, 4

# Numbers of fields: of a footer, a group of rows, a column in it, what is said of this, ...
SCHEMA, ROWS, GROUPS = 2, 3, 4
COLUMNS, GROUP_ROWS = 1, 3
ABOUT = 3
CODEC, CHUNK_VALUES, LENGTH, DATA_START, DICTIONARY_START = 4, 5, 7, 9, 11
# ... of a column in the schema, of a page's header, and of what is said there of its kind.
TYPE = 1
KIND, SIZE, COMPRESSED_SIZE = 1, 2, 3
VALUES, ENCODING = 1, 2

BOOLEAN, INT32, INT64, FLOAT, DOUBLE, BYTE_ARRAY = 0, 1, 2, 4, 5, 6
TYPES = (BOOLEAN, INT32, INT64, FLOAT, DOUBLE, BYTE_ARRAY)
UNCOMPRESSED, SNAPPY = 0, 1
CODECS = (UNCOMPRESSED, SNAPPY)  # Snappy makes no more than 21 bytes of one, others thousands
# A value is stored itself or as a number in a dictionary; others repeat parts of the value before.
PLAIN, PLAIN_DICTIONARY, RLE, RLE_DICTIONARY = 0, 2, 3, 8
ENCODINGS = (PLAIN, PLAIN_DICTIONARY, RLE, RLE_DICTIONARY)
DATA_PAGE, DICTIONARY_PAGE = 0, 2  # kinds of a page
HEADER = {DATA_PAGE: 5, DICTIONARY_PAGE: 7}  # field of a page's header that describes it


def require_plain(content: memoryview) -> None:
    """Raise `ValueError` for a file that pyarrow does not write by default, or of too many values.

    What pandas writes by default, pyarrow writes.
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
    end = len(content) - len(MAGIC) - 4  # before the footer's own length
    length = int.from_bytes(content[max(end, 0) : end + 4], "little")
    if content[-len(MAGIC) :] != MAGIC or not 0 < length <= min(MOST_FOOTER, end):
        raise ValueError("it is no Parquet file")
    return read_struct(content[:end], end - length)[0]


def _pages_of(content: memoryview, chunk: Fields) -> Iterator[tuple[int, int]]:
    """How many values each page of a column says that it holds, and how many bytes."""
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
        own = header[HEADER[kind]]
        values = own[VALUES]
        if own[ENCODING] not in ENCODINGS or min(size, length, values) < 0:
            raise ValueError("a page is of an encoding that is not known")
        at += length
        left -= values if kind == DATA_PAGE else 0
        yield values, size
    if left:
        raise ValueError("a column has another number of values than it says")
