"""How does a network look in print? A line of a table, a step from another one, its weights."""

from collections.abc import Sequence

import pandas as pd
from rich.table import Table

from paretoprune.compare import smgd_options
from paretoprune.front import CHOSEN_ROLES
from paretoprune.reading import Reading
from paretoprune.run import SMGD


def points_table(
    points: pd.DataFrame, marked: int | None, title: str, mark: str = "← knee"
) -> Table:
    """A line for each network; the marked one is bold."""
    column = "seeds" if "seeds" in points else "seed"  # a mean, or each run
    repeated = points[column].nunique() > 1 or points[column].max() > 1
    heads = ("λ", "val. loss", "val. acc.", "test acc.", "nonzeros", "sparsity", "l1")
    lines = [(*heads, *((column,) if repeated else ()))]
    fates = [""]
    for label, row in points.iterrows():
        fate = "collapsed" if row["collapsed"] else str(row["status"]).replace("done", "")
        role = "" if row["role"] in CHOSEN_ROLES else options(row)
        fates.append(mark if label == marked else " ".join(filter(None, (fate, role))))
        lines.append(
            (
                trade_off(row),
                f"{row['val_loss']:.4f}",
                f"{1 - row['val_error']:.2%}",
                f"{1 - row['test_error']:.2%}",
                f"{row['nonzeros']:,.0f}",
                f"{row['sparsity']:.2%}",
                f"{row['l1']:,.1f}",
                *((str(row[column]),) if repeated else ()),
            )
        )
    table = Table(
        title=title, title_justify="left", box=None, collapse_padding=True, pad_edge=False
    )
    # Rich takes its time for each cell, and there may be 10,000 lines: the numbers are one cell
    head, *rows = in_columns(lines)
    table.add_column(head, no_wrap=True)
    table.add_column(fates[0], justify="right")
    for label, numbers, fate in zip(points.index, rows, fates[1:], strict=True):
        table.add_row(numbers, fate, style="bold" if label == marked else None)
    return table


def in_columns(lines: Sequence[Sequence[str]]) -> list[str]:
    """Lines whose cells stand below each other, to the right of their column."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        " ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    ]


def options(row: pd.Series) -> str:
    """How a run that no search asked for was trained."""
    return smgd_options(row) if row["method"] == SMGD else f"{row['epochs']} epochs"


def trade_off(row: pd.Series, name: str = "") -> str:
    """A run's λ behind its name, or who chose in its place."""
    return "SMGD" if row["method"] == SMGD else f"{name}{row['lam']:.3g}"


def step_cost(what: str, here: pd.Series, there: pd.Series) -> str:
    """What changes on the way from one point of the front to the next."""
    nonzeros = there["nonzeros"] - here["nonzeros"]
    share = f" ({nonzeros / here['nonzeros']:+.0%})" if here["nonzeros"] else ""
    return (
        f"{what}: {nonzeros:+,.0f} nonzeros{share}, "
        f"loss {there['val_loss'] - here['val_loss']:+.4f}, "
        f"accuracy {100 * (here['val_error'] - there['val_error']):+.2f} points "
        f"(λ = {there['lam']:.3g})"
    )


def weights_place(reading: Reading, network: pd.Series) -> str:
    """Where the weights of a network are, or why they are not."""
    if pd.isna(network["weights"]):
        return "not kept (see --keep-weights of sweep)"
    weights = reading.folder / str(network["weights"])
    return f"{weights}{'' if weights.is_file() else ' (missing)'}"
