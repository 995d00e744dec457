"""SMGD in a study: three runs beside the front, or a study of its own."""

import tomllib
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import pytest

from paretoprune import store
from paretoprune.errors import UsageError
from paretoprune.keeping import superfluous
from paretoprune.opening import Request
from paretoprune.progress import Progress
from paretoprune.reading import find_knee, read_study
from paretoprune.rounds import SPLIT_L2, comparison_runs
from paretoprune.study import sweep
from tests.test_sweep import (
    QUICK,
    Interruption,
    OutOfLuck,
    assert_same_table,
    quiet,
    request,
    table,
)

ALONE = {"method": "smgd"}


def alone(folder="study", settings=None, **budget):
    """A study of SMGD only."""
    return Request(
        folder=Path(folder),
        settings={name: QUICK[name] for name in ("epochs", "batch_size", "learning_rate")}
        | ALONE
        | (settings or {}),
        budget=budget,
    )


def compared(points):
    return points[points["role"] == "comparison"]


def searched(points):
    return points[points["role"] == "search"]


def test_three_seeds_are_trained_as_one_fleet_after_the_search():
    events = []
    summary = sweep(
        Request(folder=Path("study"), settings=QUICK, budget={"max_runs": 4}), events.append
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


def test_a_comparison_changes_neither_search_nor_front_nor_knee():
    sweep(request(max_runs=4, smgd=3), quiet)
    sweep(request(max_runs=10, smgd=3), quiet)
    sweep(request("other", max_runs=10), quiet)
    here, there = table(), table("other")
    assert_same_table(searched(here).reset_index(drop=True), there)
    one, other = read_study(Path("study")), read_study(Path("other"))
    assert one.front["run_id"].tolist() == other.front["run_id"].tolist()
    assert find_knee(one).network is not None
    assert one.networks.loc[find_knee(one).network, "lam"] >= 0


def test_every_variant_stays_and_seeds_are_one_row_of_networks():
    sweep(request(max_runs=4, smgd=2), quiet)
    sweep(request(max_runs=4, smgd=2, moments="separate"), quiet)
    sweep(request(max_runs=4, smgd=2, moments="separate", smgd_epochs=3), quiet)
    sweep(request(max_runs=4, smgd=3, moments="joint", normalize="loss"), quiet)
    rows = compared(table())
    assert len(rows) == 2 + 2 + 2 + 3
    assert rows["run_id"].is_unique
    networks = compared(read_study(Path("study")).networks)
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


def test_a_study_of_an_older_version_has_no_comparison():
    sweep(request(max_runs=4), quiet)
    plan = Path("study/study.toml")
    document = tomllib.loads(plan.read_text())
    for name in ("smgd", "smgd_epochs", "moments", "normalize", "split"):
        document["budget"].pop(name)
    document["settings"].pop("method")
    plan.write_text(store.tomli_w.dumps(document))
    again = sweep(Request(folder=Path("study")), quiet)
    assert compared(again.points).empty
    assert asdict(store.read_plan(Path("study")).settings)["method"] == "weighted-sum"


def test_an_older_table_means_neither_normalized_nor_split():
    sweep(request(max_runs=4), quiet)
    path = Path("study/points.parquet")
    columns = pd.read_parquet(path).drop(columns=["normalize", "split"])
    store.pq.write_table(store.pa.Table.from_pandas(columns, preserve_index=False), path)
    points = store.read(Path("study"))
    assert points["normalize"].eq("none").all()
    assert not points["split"].any()


# --- a study of SMGD only


def test_a_study_of_smgd_only_searches_nothing():
    summary = sweep(alone(), quiet)
    assert summary.points["role"].tolist() == ["comparison"] * 3
    assert summary.ending == "compared"
    assert summary.intervals == ()
    again = sweep(Request(folder=Path("study")), quiet)
    assert len(again.points) == 3


@pytest.mark.parametrize("option", ["search", "max_runs", "tolerance", "repeats", "round_size"])
def test_options_of_searches_have_no_meaning_there(option):
    value = {"search": "grid", "tolerance": 0.1}.get(option, 4)
    in_settings = option in ("search", "round_size")
    sweep(alone(), quiet)
    named = option.replace("round_size", "round").replace("_", "-")
    for folder in ("study", "another"):
        with pytest.raises(UsageError, match=f"--{named}"):
            sweep(
                alone(folder, settings={option: value})
                if in_settings
                else alone(folder, **{option: value}),
                quiet,
            )
        assert not Path("another").exists()


def test_another_method_is_another_study():
    sweep(alone(), quiet)
    with pytest.raises(UsageError, match="--method is smgd, not weighted-sum"):
        sweep(Request(folder=Path("study"), settings={"method": "weighted-sum"}), quiet)


@pytest.mark.parametrize(
    ("settings", "budget", "sentence"),
    [
        ({"method": "smdg"}, {}, "did you mean smgd"),
        ({}, {"smgd": -1}, "--smgd -1"),
        ({}, {"normalize": "l1"}, "--normalize l1 is unknown"),
        ({}, {"moments": "both"}, "--moments both is unknown"),
        ({}, {"split": True}, "--split has no meaning for a model without convolutions"),
        ({"model": "lenet5", "prunable": "all"}, {"split": True}, "take --prunable linear"),
        ({}, {"smgd": 0, "moments": "separate"}, "--moments: of SMGD runs"),
        (ALONE, {"smgd": 0}, "--smgd 0"),
    ],
)
def test_bad_combinations_are_refused_before_anything_is_trained(settings, budget, sentence):
    with pytest.raises(UsageError, match=sentence):
        sweep(Request(folder=Path("study"), settings=settings, budget=budget), quiet)
    assert not Path("study").exists()


def test_the_papers_recipe_has_the_authors_moments():
    sweep(alone(settings={"recipe": "paper", "epochs": 1}, smgd=1), quiet)
    assert table()["moments"].tolist() == ["separate"]
    sweep(alone(smgd=1, settings={"recipe": "paper", "epochs": 1}, moments="joint"), quiet)
    assert table()["moments"].tolist() == ["separate", "joint"]


def test_a_split_networks_squares_have_a_factor():
    plan = store.Plan
    settings = {"model": "lenet5", "dataset": "mnist"}
    for l2_conv, split, expected in ((0.0, True, SPLIT_L2), (0.1, True, 0.1), (0.1, False, 0.1)):
        made = plan(
            settings=store.Settings(**settings, l2_conv=l2_conv),
            budget=store.Budget(smgd=1, split=split),
            measured=None,
        )
        assert comparison_runs(made)[0].l2_conv == expected


def test_weights_of_a_comparison_go_with_none_only():
    sweep(request(max_runs=4, smgd=2), quiet)
    points = store.read(Path("study"))
    ids = set(compared(points)["run_id"])
    assert not ids & set(superfluous(points, "front", 10**12, 1))
    assert ids <= set(superfluous(points, "none", 10**12, 1))


# --- the command line


def test_the_command_trains_both_and_says_what_to_type_next(paretoprune):
    options = ["--epochs=2", "--batch-size=256", "--round=4", "--lr=0.02", "--max-runs=4"]
    result = paretoprune("sweep", "study", *options, "--smgd=2", "--normalize=loss")
    assert result.code == 0
    assert "6 runs, 2 of them SMGD" in result.out
    assert "paretoprune compare study" in result.out
    shown = paretoprune("show", "study", "--all").out
    assert shown.count("SMGD") == 2
    assert Path("study/front.png").is_file()


def test_the_command_of_smgd_alone(paretoprune):
    result = paretoprune("sweep", "--method=smgd", "--epochs=2", "--moments=separate")
    assert result.code == 0
    assert "SMGD, 2 epochs a run" in result.err
    assert "3 runs; all runs of SMGD are trained" in result.out
    assert "paretoprune knee" not in result.out
    assert "nan" not in result.out
    assert Path("digits-mlp/front.png").is_file()
    assert paretoprune("show", "digits-mlp", "--all").out.count("SMGD") == 3
    assert '"lam": null' in paretoprune("show", "digits-mlp", "--all", "--json").out
    assert paretoprune("knee", "digits-mlp").out.startswith("no knee")


def test_the_flag_of_split(paretoprune):
    result = paretoprune("sweep", "--split")
    assert result.code == 2
    assert "--split has no meaning" in result.err
