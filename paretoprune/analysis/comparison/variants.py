"""Variants of methods: the comparison runs of a study that differ only in their seed."""

from collections.abc import Callable, Iterator, Mapping

import pandas as pd

from paretoprune.analysis.aggregate import variant_columns
from paretoprune.analysis.comparison.effort import StudyEffort
from paretoprune.study.column import Column


def variants_in(
    study: StudyEffort, label_of: Callable[[str], str]
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield a study's variants in the order of their names, with runs sorted by seed."""
    runs, columns = study.role("comparison"), study.snapshot.plan.columns
    groups = [rows for _, rows in runs.groupby(variant_columns(columns), dropna=False)]
    named = [
        (
            variant_name(rows.iloc[0], columns, label_of(str(rows["method"].iloc[0]))),
            rows.sort_values("seed", kind="stable"),
        )
        for rows in groups
    ]
    yield from sorted(named, key=lambda pair: pair[0])


def variant_name(row: pd.Series, columns: Mapping[str, Column], label: str) -> str:
    """Return the name of a method's variant for texts and figures.

    Args:
        row: a row of the table.
        columns: the columns of the study.
        label: the name of the method.
    """
    return f"{label} {row['optimizer']}, {variant_options(row, columns)}"


def variant_options(row: pd.Series, columns: Mapping[str, Column]) -> str:
    """Return the options that distinguish a method's variant from the others of its study."""
    ordered = sorted(columns.values(), key=lambda column: column.name != "moments")
    described = [
        column
        for column in ordered
        if column.phrase and pd.notna(row[column.name]) and row[column.name] != column.plain
    ]
    values = ((column, row[column.name]) for column in described)
    return ", ".join(
        column.phrase.format(int(value) if column.is_count else value) for column, value in values
    )
