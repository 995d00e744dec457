"""Reader of Thrift's compact protocol, in which Parquet stores the metadata of a file.

See https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from typing import Any

# The fields of a struct by number: integers, structs and lists of them; None for other types.
Fields = dict[int, Any]

TRUE, FALSE, BYTE, SHORT, INTEGER, LONG, REAL, TEXT, LIST, STRUCT = 1, 2, 3, 4, 5, 6, 7, 8, 9, 12
MOST_ENTRIES = 10_000  # of a list


def read_struct(content: memoryview, at: int) -> tuple[Fields, int]:
    """Read the struct that begins at the offset `at`; return its fields and the offset of its end.

    Raises `IndexError` if the struct ends after the content, or holds a list or number that is too
    long, and `KeyError` for a type that no Parquet file has or a field that occurs twice.
    """
    fields: Fields = {}
    number = 0
    while head := content[at]:
        at, step, kind = at + 1, head >> 4, head & 15
        if step:
            number += step
        else:
            number, at = _integer(content, at)
        if number in fields:  # another reader might use the other value
            raise KeyError(number)
        fields[number], at = (None, at) if kind in (TRUE, FALSE) else _value(content, at, kind)
    return fields, at + 1


def _value(content: memoryview, at: int, kind: int) -> tuple[Any, int]:
    if kind in (SHORT, INTEGER, LONG):
        return _integer(content, at)
    if kind == STRUCT:
        return read_struct(content, at)
    if kind == LIST:
        return _list(content, at)
    if kind == TEXT:
        length, at = _varint(content, at)
        return None, at + length
    size = {TRUE: 1, FALSE: 1, BYTE: 1, REAL: 8}[kind]
    return None, at + size


def _list(content: memoryview, at: int) -> tuple[list[Any], int]:
    length, kind, at = content[at] >> 4, content[at] & 15, at + 1
    if length == 15:
        length, at = _varint(content, at)
    if length > MOST_ENTRIES:
        raise IndexError(length)
    values = []
    for _ in range(length):
        value, at = _value(content, at, kind)
        values.append(value)
    return values, at


def _integer(content: memoryview, at: int) -> tuple[int, int]:
    value, at = _varint(content, at)
    return (value >> 1) ^ -(value & 1), at  # zigzag: 0, -1, 1, -2, ...


def _varint(content: memoryview, at: int) -> tuple[int, int]:
    """Read an integer stored as seven bits per byte, the least significant first."""
    value = shift = 0
    while content[at] > 127:
        value |= (content[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if shift > 63:
            raise IndexError(at)
    return value | content[at] << shift, at + 1
