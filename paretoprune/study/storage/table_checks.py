"""Table checks: a table with rows that cannot result from a training is rejected.

A table may come from an untrusted source. After these checks its readers can rely on it: words are
known, counts and measured values are in their ranges, names can be printed, and paths are those
of the files of the same run.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from paretoprune.study.column import WEIGHTS, Column

RUN_ID = "^[0-9a-f]{12}$"
PATHS = {"weights": ("weights", "safetensors"), "log": ("logs", "log")}
LONGEST = 200  # characters of a name, which is printed and drawn in plots


def require_valid(table: pa.Table, columns: Mapping[str, Column]) -> pa.Table:
    """Return the table if every row can be a run; else raise `ValueError` naming run and fault."""
    ids = table["run_id"]
    for rule, holds in _rules(table, columns):
        first = pc.index(pc.fill_null(holds, False), False).as_py()
        if first >= 0:
            raise ValueError(f"run {ids[first]} {rule}")
    if len(pc.unique(ids)) < len(table):
        raise ValueError("a run_id stands in it twice")
    return table


def _rules(table: pa.Table, columns: Mapping[str, Column]) -> Iterator[tuple[str, pa.Array]]:
    """Yield each rule: the words for a row that breaks it, and a mask of the rows that keep it."""
    yield "is not named by 12 hexadecimal digits", pc.match_substring_regex(table["run_id"], RUN_ID)
    for name, (subfolder, ending) in PATHS.items():
        expected = pc.binary_join_element_wise(f"{subfolder}/", table["run_id"], f".{ending}", "")
        fits = pc.or_kleene(pc.is_null(table[name]), pc.equal(table[name], expected))
        yield f"has another run's path in {name}", fits
    undone = pc.not_equal(table["status"], "done")
    for name, column in columns.items():
        yield from _rules_of(column, table[name], undone)
    fits = pc.less_equal(table["nonzeros"], table["prunable_weights"])
    yield "has more nonzeros than weights", fits
    known = pc.greater(table["prunable_weights"], 0)
    yield "is done with an impossible prunable_weights", pc.or_kleene(undone, known)
    yield from _rules_of_lam(table)
    yield "has impossible layers", _has_sound_layers(table["layers"])


def _rules_of(column: Column, values: pa.Array, undone: pa.Array) -> Iterator[tuple[str, pa.Array]]:
    """Yield the rules that a column's declaration makes for its values.

    `undone` is the mask of the runs that were not trained to their end.
    """
    if column.words:
        yield f"has an unknown {column.name}", pc.is_in(values, pa.array(column.words))
    elif column.kind in ("whole", "real") and column.checked != "never":
        within = _within(values, column.least, column.most)
        if column.checked == "always":
            yield f"has an impossible {column.name}", within
        elif column.checked == "given":
            missing = pc.is_null(values, nan_is_null=True)
            yield f"has an impossible {column.name}", pc.or_kleene(missing, within)
        elif column.checked == "done":
            yield f"is done with an impossible {column.name}", pc.or_kleene(undone, within)
        elif column.checked == "measured":
            missing = pc.or_kleene(undone, pc.is_null(values, nan_is_null=True))
            yield f"is done with an impossible {column.name}", pc.or_kleene(missing, within)
    elif column.checked == "always":
        yield f"has no {column.name}", pc.is_valid(values)
    elif column.checked == "done":
        yield f"is done and has no {column.name}", pc.or_kleene(undone, pc.is_valid(values))
    if column.kind == "text" and not column.is_free:
        yield f"has a {column.name} that is no name", _is_name(values)


def _rules_of_lam(table: pa.Table) -> Iterator[tuple[str, pa.Array]]:
    """Yield the rules of λ: each run of a search has one, and so do all runs of its method.

    Trunks are left out: they are trained along many λs.
    """
    is_trunk = pc.equal(table["role"], "trunk")
    absent = pc.is_null(table["lam"], nan_is_null=True)
    given = pc.fill_null(pc.and_(_within(table["lam"], 0, 1), pc.less(table["lam"], 1)), False)
    yield "has an impossible lam", pc.or_(absent, given)
    is_compared = pc.equal(table["role"], "comparison")
    is_listed = pc.or_(is_compared, pc.is_null(table["search"]))  # by a method, not by a search
    yield "has no lam", pc.or_(pc.or_(given, is_listed), is_trunk)
    with_lam = pc.unique(table["method"].filter(pc.and_(given, pc.invert(is_trunk))))
    alike = pc.equal(pc.is_in(table["method"], with_lam), given)
    yield "has a lam where other runs of its method have none", pc.or_(alike, is_trunk)


def _within(column: pa.Array, least: float, most: float) -> pa.Array:
    """Return a mask of the numbers within bounds; NaN is not within them."""
    return pc.and_(pc.greater_equal(column, least), pc.less_equal(column, most))


def _is_name(column: pa.Array) -> pa.Array:
    """Return a mask of texts that are null or can be printed on a line and drawn in a plot.

    Plots would draw the text between two `$` as a formula.
    """
    different = pc.unique(column)  # few values in many rows
    is_short = pc.less_equal(pc.utf8_length(different), LONGEST)
    is_plain = pc.invert(pc.match_substring(different, "$"))
    is_text = pc.or_(pc.utf8_is_printable(different), pc.equal(different, ""))
    good = pc.and_(pc.and_(is_short, is_plain), is_text)
    return pc.is_in(column, different.filter(pc.or_kleene(good, pc.is_null(different))))


def _has_sound_layers(column: pa.Array) -> pa.Array:
    """Return a mask of rows whose layers have a name, a shape and no more nonzeros than entries."""
    layers = column.combine_chunks()
    entries = layers.flatten()
    shapes = entries.field("shape")
    # the fields of a null entry hold values nonetheless
    is_whole = pc.and_(pc.is_valid(entries), pc.is_valid(shapes))
    sides = pc.fill_null(shapes.flatten(), 0).to_numpy(zero_copy_only=False)
    sizes = np.ones(len(entries))
    owners = pc.list_parent_indices(shapes).to_numpy()
    np.multiply.at(sizes, owners, np.where(sides > 0, sides, np.nan).astype(float))
    is_possible = pc.and_(
        _within(entries.field("nonzeros"), 0, pa.array(np.minimum(sizes, WEIGHTS))),
        pc.and_(
            pa.array(sizes <= WEIGHTS), pc.fill_null(pc.is_valid(entries.field("name")), False)
        ),
    )
    named = pc.and_(_is_name(entries.field("name")), pc.invert(pc.less(entries.field("l1"), 0)))
    good = pc.fill_null(pc.and_(pc.and_(is_whole, is_possible), named), False)
    holds = np.ones(len(layers), bool)
    np.logical_and.at(holds, pc.list_parent_indices(layers).to_numpy(), good.to_numpy(False))
    return pa.array(holds)
