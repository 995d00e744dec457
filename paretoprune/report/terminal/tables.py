"""Tables and sentences about networks: values, sizes, steps along the front, paths of weights."""

import math
from collections.abc import Iterator, Sequence

import pandas as pd
from rich.table import Table

from paretoprune.analysis.aggregate import CHOSEN_ROLES
from paretoprune.analysis.comparison.variants import variant_options
from paretoprune.analysis.knee.axes import COUNTED, word_of
from paretoprune.analysis.snapshot import StudySnapshot
from paretoprune.study.columns import COLUMNS
from paretoprune.study.metric import ACCURACY, short, written
from paretoprune.training.methods import label_of, place_of

UNITS = ("", "k", "M", "G", "T", "P")


def points_table(
    points: pd.DataFrame,
    marked: int | None,
    title: str,
    mark: str = "← knee",
    metric: str = ACCURACY,
) -> Table:
    """Return a table with a line per network.

    Args:
        points: The rows: runs, or means over seeds.
        marked: Label of the row that is bold, if any.
        title: Title of the table.
        mark: Text behind the marked row.
        metric: Name of the metric 1 - error.
    """
    column = "seeds" if "seeds" in points else "seed"  # means over seeds, or single runs
    repeated = points[column].nunique() > 1 or points[column].max() > 1
    qualities = (f"{part} {short(metric)}" for part in ("val.", "test"))
    heads = ("λ", "val. loss", *qualities, "nonzeros", "sparsity", "l1")
    lines = [(*heads, *((column,) if repeated else ()))]
    remarks = [""]
    for label, row in points.iterrows():
        status = "collapsed" if row["collapsed"] else str(row["status"]).replace("done", "")
        training = "" if row["role"] in CHOSEN_ROLES else options(row)
        remarks.append(mark if label == marked else " ".join(filter(None, (status, training))))
        lines.append(
            (
                trade_off(row),
                f"{row['val_loss']:.4f}",
                written(row["val_error"], metric),
                written(row["test_error"], metric),
                f"{row['nonzeros']:,.0f}",
                f"{row['sparsity']:.2%}",
                f"{row['l1']:,.1f}",
                *((str(row[column]),) if repeated else ()),
            )
        )
    table = titled(title)
    # Rich is slow per cell, and there may be 10,000 lines: so the numbers are one cell
    head, *rows = in_columns(lines)
    table.add_column(head, no_wrap=True)
    table.add_column(remarks[0], justify="right")
    for label, numbers, remark in zip(points.index, rows, remarks[1:], strict=True):
        table.add_row(numbers, remark, style="bold" if label == marked else None)
    return table


def titled(title: str) -> Table:
    """Return an empty table with a title and without lines."""
    return Table(title=title, title_justify="left", box=None, collapse_padding=True, pad_edge=False)


def sizes_table(points: pd.DataFrame, marked: int | None) -> Table | None:
    """Return a table of each network's size and of its FLOPs for one sample.

    Rows of older versions have dashes. The result is `None` if no row has sizes.
    """
    if points["flops"].isna().all():
        return None
    heads = ("λ", "parameters", "nonzeros", "compact par.", "neurons")
    lines: list[tuple[str, ...]] = [(*heads, "dense FLOPs", "effective", "compact")]
    for _, row in points.iterrows():
        sizes = [row[name] for name in ("parameters", "nonzeros", "compact_parameters", "neurons")]
        flops = [row[name] for name in ("dense_flops", "flops", "compact_flops")]
        lines.append((trade_off(row), *map(counted, sizes), *map(in_units, flops)))
    table = titled("Sizes")
    head, *rows = in_columns(lines)
    table.add_column(head, no_wrap=True)
    for label, numbers in zip(points.index, rows, strict=True):
        table.add_row(numbers, style="bold" if label == marked else None)
    return table


def sizes_line(row: pd.Series) -> Iterator[str]:
    """Yield the sizes of one network in a sentence, or nothing if it has none."""
    if pd.isna(row["flops"]):
        return
    yield (
        f"sizes: {counted(row['parameters'])} parameters, {counted(row['compact_parameters'])} "
        f"when compact, with {counted(row['neurons'])} neurons and filters; FLOPs of a sample: "
        f"{in_units(row['dense_flops'])} dense, {in_units(row['flops'])} effective, "
        f"{in_units(row['compact_flops'])} compact"
    )


def counted(value: float) -> str:
    """Format a count; a missing one is a dash."""
    return "-" if pd.isna(value) else f"{value:,.0f}"


def in_units(value: float) -> str:
    """Format a large count with three digits, such as `833 k`; a missing one is a dash."""
    if pd.isna(value) or value < 1000:
        return counted(value)
    rounded = float(f"{value:.3g}")
    power = min(int(math.log10(rounded)) // 3, len(UNITS) - 1)
    return f"{rounded / 1000**power:.4g} {UNITS[power]}"


def in_columns(lines: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines with their cells aligned on the right of each column."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        " ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    ]


def options(row: pd.Series) -> str:
    """Describe the training of a run that does not belong to a search."""
    is_compared = row["role"] == "comparison"
    return variant_options(row, COLUMNS) if is_compared else f"{row['epochs']} epochs"


def trade_off(row: pd.Series, name: str = "") -> str:
    """Return a run's λ behind `name`, or its place on the front of its method, or the method."""
    if pd.notna(row["lam"]):
        return f"{name}{row['lam']:.3g}"
    return place_of(dict(row)) or label_of(row["method"])


def step_cost(
    what: str,
    here: pd.Series,
    there: pd.Series,
    metric: str = ACCURACY,
    size: str = "nonzeros",
) -> str:
    """Describe the change from one point of the front to another.

    Args:
        what: Name of the step.
        here: The point at which the step begins.
        there: The point at which it ends.
        metric: Name of the metric 1 - error.
        size: Column of the size; it is replaced by `nonzeros` if it is no count.
    """
    size = size if size in COUNTED else "nonzeros"
    change = there[size] - here[size]
    share = f" ({change / here[size]:+.0%})" if here[size] else ""
    gain = here["val_error"] - there["val_error"]
    gained = f"{100 * gain:+.2f} points" if metric == ACCURACY else f"{gain:+.4f}"
    return (
        f"{what}: {change:+,.0f} {word_of(size)}{share}, "
        f"loss {there['val_loss'] - here['val_loss']:+.4f}, "
        f"{metric} {gained} ({trade_off(there, 'λ = ')})"
    )


def weights_path(snapshot: StudySnapshot, network: pd.Series) -> str:
    """Return the path of a network's weights, or the reason why they are missing."""
    if pd.isna(network["weights"]):
        return "not kept (see --keep-weights of sweep)"
    weights = snapshot.folder / str(network["weights"])
    return f"{weights}{'' if weights.is_file() else ' (missing)'}"
