"""Studies on disk for pictures, and what their figures show."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from paretoprune.analysis.snapshot import load_study
from paretoprune.study import storage
from paretoprune.study.columns import COLUMNS
from paretoprune.study.plan import Budget, Measured, Plan
from paretoprune.study.settings import Settings
from tests.support.tables import OLD, table

EPOCHS = 3
PLAN = Plan(
    settings=Settings(epochs=EPOCHS),
    budget=Budget(),
    measured=Measured(
        lam_ref=1e-3,
        constant_loss=2.3,
        prunable_weights=1050,
        validation_images=1000,
        test_images=500,
        fleet_size=2,
    ),
)


def network(lam, loss, first, second, **also):
    """A row with two prunable layers, of 1000 and 50 weights."""
    return {
        "lam": lam,
        "epochs": EPOCHS,
        "val_loss": loss,
        "val_error": loss / 4,
        "test_loss": loss,
        "test_error": loss / 4,
        "complexity": float(first + second) / 10,
        "nonzeros": first + second,
        "prunable_weights": 1050,
        "layers": [
            {"name": "1.weight", "shape": [10, 100], "nonzeros": first, "l1": 1.0},
            {"name": "3.weight", "shape": [10, 5], "nonzeros": second, "l1": 1.0},
        ],
        **also,
    }


def smgd(loss, first, second, **also):
    """A row of an SMGD run with the same two layers."""
    return network(None, loss, first, second, role="comparison", method="smgd", **also)


ROWS = [
    network(0.0, 0.020, 950, 50),
    network(1e-5, 0.022, 400, 40),
    network(1e-4, 0.030, 60, 20),
    network(1e-3, 0.200, 15, 5),
    network(5e-3, 0.900, 7, 0),
]
DOMINATED = network(2e-4, 0.300, 100, 40)
COLLAPSED = network(1e-1, 2.300, 0, 0, collapsed=True)
FAILED = {"lam": 2e-1, "epochs": EPOCHS, "status": "failed", "failure": "no luck"}
JOINT = [smgd(0.025, 200 + 10 * seed, 40, seed=seed) for seed in range(3)]
SEPARATE = [smgd(0.028, 90 + 10 * seed, 30, seed=seed, moments="separate") for seed in range(2)]
JOINT_NAME = "SMGD adam, joint moments, 3 epochs"
SEPARATE_NAME = "SMGD adam, separate moments, 3 epochs"


def course(row, **changes):
    """A history that ends at the row's values."""
    epochs = np.arange(1.0, row["epochs"] + 1)
    names = ("train_loss", "val_loss", "val_error", "complexity", "nonzeros")
    ends = {name: row.get(name, 1.0) for name in names}
    columns = {name: end * (1 + epochs[-1] - epochs) for name, end in ends.items()}
    weights = {"loss_weight": epochs * 0 + 1, "complexity_weight": epochs * 0}
    return {"epoch": epochs, **columns, **weights, **changes}


def study_of(rows, folder="study", courses=None):
    """A study on disk, with a history for each run that did not fail unless `courses` are given."""
    place = Path(folder)
    place.mkdir()
    storage.write_plan(place, PLAN)
    stored = [name for name, column in COLUMNS.items() if column.filled_by == "storage"]
    frame = pa.Table.from_pandas(table(rows), storage.SCHEMA).drop_columns(stored)
    recorded = frame.to_pylist()
    if courses is None:
        courses = [None if row.get("status") == "failed" else course(row) for row in rows]
    ids = [row["run_id"] for row in recorded]
    histories = {id_: own for id_, own in zip(ids, courses, strict=True) if own is not None}
    if rows:
        storage.record(place, recorded, {}, histories, {})
    return load_study(place)


def by_label(axes):
    return {line.get_label(): line for line in axes.lines if line.get_label()[0] != "_"}


def legend_of(figure):
    """The words of the figure's legend, with their handles."""
    return {
        text.get_text(): handle
        for legend in figure.legends
        for text, handle in zip(legend.get_texts(), legend.legend_handles, strict=True)
    }


def texts_of(figure):
    return [text.get_text() for text in figure.texts]


def crosses_of(axes):
    """Where dead layers are marked, as (x, y)."""
    offsets = [np.asarray(cloud.get_offsets()) for cloud in axes.collections]
    return np.concatenate(offsets).tolist()


def run_lines(figure, row):
    """The three lines of the run of a row."""
    return [
        [
            line
            for line in axes.lines
            if line.get_ydata()[-1] == pytest.approx(max(row[column], floor))
            and len(line.get_xdata()) == row["epochs"]
        ]
        for axes, column, floor in zip(
            figure.axes, ("val_loss", "val_error", "nonzeros"), (0, 1 / 2000, 1), strict=False
        )
    ]


def sized(row, flops, neurons, parameters):
    """A row with sizes of its own."""
    return {
        **row,
        "parameters": 1100,
        "compact_parameters": parameters,
        "neurons": neurons,
        "dense_flops": 2_100_000,
        "flops": flops,
        "compact_flops": 2 * flops,
    }


# By FLOPs and by neurons the third is smaller than the fourth, and the fifth is the largest.
SIZED = [
    sized(ROWS[0], 1_900_000, 20, 1100),
    sized(ROWS[1], 300_000, 15, 600),
    sized(ROWS[2], 40_000, 4, 90),
    sized(ROWS[3], 50_000, 6, 200),
    sized(ROWS[4], 2_000_000, 21, 1090),
]
OLDER = [{**row, **OLD} for row in ROWS]
