"""Rows of the table of points: the one place where a row is made."""

from collections.abc import Mapping

from paretoprune.study.column import Column

Row = dict[str, object]


def assemble(columns: Mapping[str, Column], *parts: Mapping[str, object]) -> Row:
    """Return a row with every one of `columns`, from parts that each hold some of them.

    A column that no part holds gets its value of a run that was not measured. Raises `ValueError`
    for a name that is no column, or that two parts hold.
    """
    values: Row = {}
    for part in parts:
        if doubtful := sorted((part.keys() & values.keys()) | (part.keys() - columns.keys())):
            raise ValueError(f"a row names {', '.join(doubtful)}, twice or without a column")
        values |= part
    return {name: values.get(name, column.value_unmeasured) for name, column in columns.items()}
