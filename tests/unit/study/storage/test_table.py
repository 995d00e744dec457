"""A study on disk: what is recorded is there, whole, whatever happens."""

import os
import threading
from functools import partial

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from paretoprune.analysis.aggregate import over_seeds
from paretoprune.analysis.pareto import pareto
from paretoprune.errors import CorruptStudyError, CouldNotError
from paretoprune.study import storage
from paretoprune.study.storage.atomic import write_aside
from tests.support.problems import run
from tests.support.rows import row
from tests.support.tables import SIZES


def put(content, path):
    path.write_bytes(content)


def record(folder, *rows):
    weights = {r["run_id"]: {"1.weight": np.array([[0.5, 0], [0, 0]])} for r in rows}
    histories = {r["run_id"]: {"epoch": [1.0, 2.0], "val_loss": [1.0, 0.5]} for r in rows}
    return storage.record(folder, rows, weights, histories, {})


def test_what_is_recorded_is_read(study):
    record(study, row(0.0), row(0.25))
    recorded = record(study, row(0.5, status="failed", failure="no luck"))
    table = storage.read(study)
    pd.testing.assert_frame_equal(recorded, table)
    assert table["lam"].tolist() == [0.0, 0.25, 0.5]
    assert table["sparsity"].tolist() == [0.75] * 3
    assert table["status"].tolist() == ["done", "done", "failed"]
    assert table.columns.tolist() == storage.SCHEMA.names
    layer = table["layers"][0][0]
    assert (layer["name"], list(layer["shape"]), layer["nonzeros"]) == ("1.weight", [2, 2], 1)
    weights = load_file(study / table["weights"][0])
    assert weights["1.weight"].tolist() == [[0.5, 0], [0, 0]]
    history = pd.read_parquet(study / "history" / f"{table['run_id'][0]}.parquet")
    assert history["val_loss"].tolist() == [1.0, 0.5]


def test_anybody_can_read_the_table(study):
    record(study, row(0.25))
    assert pd.read_parquet(study / "points.parquet")["lam"].tolist() == [0.25]


def test_a_study_without_runs_has_an_empty_table(study):
    assert storage.read(study).empty
    assert storage.read(study).columns.tolist() == storage.SCHEMA.names


def test_a_failed_run_leaves_its_log(study):
    failed = row(0.5, status="failed", failure="no luck")
    storage.record(study, [failed], {}, {}, {failed["run_id"]: "Traceback ..."})
    table = storage.read(study)
    assert (study / table["log"][0]).read_text() == "Traceback ..."
    assert pd.isna(table["weights"][0])


def test_a_row_that_could_not_be_read_again_is_not_written(study):
    record(study, row(0.0))
    with pytest.raises(CouldNotError, match=r"cannot record a fleet .*please report this"):
        record(study, row(0.25, seconds=float("inf")))
    assert storage.read(study)["lam"].tolist() == [0.0]


@pytest.mark.parametrize("target", ["points.parquet", "weights"])
def test_a_write_that_fails_leaves_the_old_table(study, monkeypatch, target):
    record(study, row(0.0))
    real = os.replace

    def broken(source, *rest, **names):
        if target in str(source):
            raise OSError(28, "No space left on device")
        return real(source, *rest, **names)

    monkeypatch.setattr("pathlib.Path.replace", broken)
    with pytest.raises(CouldNotError, match=r"cannot write .*No space left.*is kept"):
        record(study, row(0.25))
    monkeypatch.undo()
    assert not list(study.rglob("*.partial"))
    assert storage.read(study)["lam"].tolist() == [0.0]
    record(study, row(0.25))
    assert storage.read(study)["lam"].tolist() == [0.0, 0.25]


@pytest.mark.parametrize("content", [b"", b"PAR1 no table", b"\0" * 200])
def test_a_corrupt_table_is_named(study, content):
    (study / "points.parquet").write_bytes(content)
    with pytest.raises(CorruptStudyError, match=r"points\.parquet cannot be read"):
        storage.read(study)


def test_a_foreign_table_is_named(study):
    pd.DataFrame({"lam": [1.0]}).to_parquet(study / "points.parquet")
    with pytest.raises(CorruptStudyError, match=r"points\.parquet cannot be read"):
        storage.read(study)


def test_a_table_can_be_read_while_it_is_replaced(study):
    """Another process may sweep: a reader sees the old table or the new one, never both."""
    tables = []
    for count in (1, 60):
        record(study, *(row(i / 100) for i in range(count)))
        tables.append((study / "points.parquet").read_bytes())
    stop = threading.Event()

    def replace_again_and_again():
        while not stop.is_set():
            for content in tables:
                write_aside(study / "points.parquet", partial(put, content))

    writer = threading.Thread(target=replace_again_and_again)
    writer.start()
    try:
        seen = {len(storage.read(study)) for _ in range(60)}
    finally:
        stop.set()
        writer.join()
    assert seen <= {1, 60}


def test_an_older_table_says_what_it_meant_by_silence(study):
    """Before there was momentum there was none; the table goes on with both columns."""
    record(study, row(0.0))
    older = pd.read_parquet(study / "points.parquet").drop(
        columns=["momentum", "l2_conv", "warm_up"]
    )
    older.to_parquet(study / "points.parquet")
    absent = storage.read(study)[["momentum", "l2_conv", "warm_up"]]
    assert absent.to_numpy().tolist() == [[0.0, 0.0, 0.0]]
    record(study, row(0.5, one=run(lam=0.5, momentum=0.9)))
    assert storage.read(study)["momentum"].tolist() == [0.0, 0.9]


def test_an_older_table_has_no_sizes_and_goes_on_with_them(study):
    record(study, row(0.0))
    path = study / "points.parquet"
    pd.read_parquet(path).drop(columns=list(SIZES)).to_parquet(path)
    assert storage.read(study)[list(SIZES)].isna().to_numpy().all()
    record(study, row(0.5, **dict.fromkeys(SIZES, 7)))
    table = storage.read(study)
    assert table.columns.tolist() == storage.SCHEMA.names
    assert table["flops"].isna().tolist() == [True, False]
    assert table.loc[1, list(SIZES)].tolist() == [7] * len(SIZES)
    networks = over_seeds(table)
    assert networks["flops"].isna().tolist() == [True, False]
    assert pareto(networks, ("val_error", "flops"))["lam"].tolist() == [0.5]


def test_columns_of_others_are_kept(study):
    record(study, row(0.0))
    path = study / "points.parquet"
    pd.read_parquet(path).assign(remark="mine").to_parquet(path)
    record(study, row(0.25))
    assert storage.read(study)["lam"].tolist() == [0.0, 0.25]
    assert pd.read_parquet(path)["remark"][0] == "mine"
