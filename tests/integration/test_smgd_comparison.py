"""SMGD in a study: three runs beside the front, or a study of its own."""

import tomllib
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tomli_w

from paretoprune.analysis.aggregate import over_seeds
from paretoprune.analysis.choice import find_knee
from paretoprune.analysis.comparison.variants import variant_name
from paretoprune.analysis.snapshot import load_study
from paretoprune.runner.events import Progress
from paretoprune.runner.loop import expected_runs
from paretoprune.runner.request import SweepRequest
from paretoprune.runner.rounds import next_round, propose
from paretoprune.runner.sweep import sweep
from paretoprune.study import storage
from paretoprune.study.columns import COLUMNS
from paretoprune.study.options import from_values, values_of
from paretoprune.study.plan import Budget
from paretoprune.training.methods.smgd import Options
from tests.support.executors import OutOfLuck
from tests.support.sweeps import (
    QUICK,
    Interruption,
    assert_same_table,
    compared,
    quiet,
    request,
    table,
)
from tests.support.tables import table as points_of


def searched(points):
    return points[points["role"] == "search"]


def test_three_seeds_are_trained_as_one_fleet_after_the_search():
    events = []
    summary = sweep(
        SweepRequest(folder=Path("study"), settings=QUICK, budget={"max_runs": 4, "fleet": 4}),
        events.append,
    )
    rows = compared(summary.points)
    assert rows["seed"].tolist() == [0, 1, 2]
    assert rows["method"].eq("smgd").all()
    assert rows["lam"].isna().all()
    assert rows["search"].isna().all()
    assert rows["fleet_size"].eq(3).all()
    assert rows["epochs"].eq(QUICK["epochs"]).all()
    assert summary.points["role"].tolist() == ["search"] * 4 + ["comparison"] * 3
    steps = [event for event in events if isinstance(event, Progress)]
    assert {event.runs_total for event in steps} == {7}
    assert steps[-1].runs_done == 7
    assert steps[-1].lams == (None, None, None)
    assert summary.ending == "budget"


@pytest.mark.slow
def test_a_comparison_changes_neither_search_nor_front_nor_knee():
    sweep(request(max_runs=4, smgd=3), quiet)
    sweep(request(max_runs=10, smgd=3), quiet)
    sweep(request("other", max_runs=10), quiet)
    here, there = table(), table("other")
    assert_same_table(searched(here).reset_index(drop=True), there)
    one, other = load_study(Path("study")), load_study(Path("other"))
    assert one.front["run_id"].tolist() == other.front["run_id"].tolist()
    knees = [snapshot.networks.loc[find_knee(snapshot).network] for snapshot in (one, other)]
    assert knees[0]["run_id"] == knees[1]["run_id"]
    assert propose(one.points, one.plan) == propose(other.points, other.plan)


@pytest.mark.slow
def test_every_variant_stays_and_seeds_are_one_row_of_networks():
    sweep(request(max_runs=4, smgd=2), quiet)
    sweep(request(max_runs=4, smgd=2, moments="separate"), quiet)
    sweep(request(max_runs=4, smgd=2, moments="separate", smgd_epochs=3), quiet)
    sweep(request(max_runs=4, smgd=3, moments="joint", normalize="loss"), quiet)
    rows = compared(table())
    assert len(rows) == 2 + 2 + 2 + 3
    assert rows["run_id"].is_unique
    networks = compared(load_study(Path("study")).networks)
    kinds = networks[["moments", "normalize", "epochs"]].apply(tuple, axis=1).tolist()
    assert sorted(kinds) == [
        ("joint", "loss", 3),
        ("joint", "none", 2),
        ("separate", "none", 2),
        ("separate", "none", 3),
    ]
    means = rows.groupby(["moments", "normalize", "epochs"])["val_loss"].mean()
    for row in networks[networks["seeds"] > 0].itertuples():
        assert row.val_loss == pytest.approx(means[row.moments, row.normalize, row.epochs])


def test_split_runs_are_a_variant():
    rows = [
        {"role": "comparison", "method": "smgd", "lam": None, "seed": seed, "split": split}
        for seed in (0, 1)
        for split in (False, True)
    ]
    networks = over_seeds(points_of(rows))
    assert networks["seeds"].tolist() == [2, 2]
    assert sorted(networks["split"]) == [False, True]


def test_every_option_is_in_a_variants_name():
    row = points_of([{"role": "comparison", "method": "smgd", "lam": None}]).iloc[0]
    changes = {"moments": "separate", "normalize": "l2", "split": True, "epochs": 7}
    names = {
        variant_name(pd.Series({**row, name: value}), COLUMNS, "SMGD")
        for name, value in changes.items()
    }
    assert len(names | {variant_name(row, COLUMNS, "SMGD")}) == 1 + len(changes)
    assert set(changes) == {
        name.removeprefix("smgd_") for name in vars(Options()) if name != "smgd"
    }


def test_the_number_of_runs_to_come_counts_every_variant():
    sweep(request(max_runs=4, smgd=2), quiet)
    plan = storage.read_plan(Path("study"))
    budget = values_of(plan.budget) | {"moments": "separate", "max_runs": 6}
    more = replace(plan, budget=from_values(Budget, budget))
    points = storage.read(Path("study"))
    assert expected_runs(points, next_round(points, more), more) == 6 + 2 + 2


def test_more_seeds_train_only_what_is_missing():
    sweep(request(max_runs=4, smgd=1), quiet)
    before = compared(table())["run_id"].tolist()
    sweep(request(max_runs=4, smgd=3), quiet)
    assert compared(table())["run_id"].tolist()[:1] == before
    assert compared(table())["seed"].tolist() == [0, 1, 2]
    sweep(request(max_runs=4, smgd=0), quiet)
    assert len(compared(table())) == 3


def test_interrupted_in_the_comparison_it_goes_on_to_the_same_table():
    whole = request(max_runs=4, smgd=3)
    sweep(whole, quiet)
    expected = table()
    with pytest.raises(KeyboardInterrupt):  # in the second fleet of the comparison
        sweep(request("cut", max_runs=4, smgd=3), Interruption(Progress, 2 * 2 * 6 + 2 * 6 + 3))
    assert 4 <= len(table("cut")) < 7
    sweep(request("cut", max_runs=4, smgd=3), quiet)
    assert_same_table(table("cut"), expected)


def test_failed_runs_of_smgd_are_counted_and_not_repeated():
    summary = sweep(request(max_runs=4, smgd=2), quiet, OutOfLuck(good=2))
    assert compared(summary.points)["status"].eq("failed").all()
    assert summary.unsuccessful == 2
    assert sweep(request(max_runs=4, smgd=2), quiet).unsuccessful == 2


def test_a_study_of_an_older_version_has_no_comparison(swept):
    swept(max_runs=4)
    plan = Path("study/study.toml")
    document = tomllib.loads(plan.read_text())
    for name in ("smgd", "smgd_epochs", "moments", "normalize", "split"):
        document["budget"].pop(name)
    document["settings"].pop("method")
    plan.write_text(tomli_w.dumps(document))
    again = sweep(SweepRequest(folder=Path("study")), quiet)
    assert compared(again.points).empty
    assert asdict(storage.read_plan(Path("study")).settings)["method"] == "weighted-sum"


def test_an_older_table_means_neither_normalized_nor_split(swept):
    swept(max_runs=4)
    path = Path("study/points.parquet")
    columns = pd.read_parquet(path).drop(columns=["normalize", "split"])
    pq.write_table(pa.Table.from_pandas(columns, preserve_index=False), path)
    points = storage.read(Path("study"))
    assert points["normalize"].eq("none").all()
    assert not points["split"].any()
