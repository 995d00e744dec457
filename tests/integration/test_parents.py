"""Runs that start from other runs: order, failures, lost weights, retention, resume."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from paretoprune.analysis.snapshot import load_study
from paretoprune.errors import CorruptStudyError, CouldNotError, UsageError
from paretoprune.runner.events import Note, Progress, Recorded
from paretoprune.runner.request import SweepRequest
from paretoprune.runner.sweep import sweep
from paretoprune.study import storage
from tests.support.executors import Failing, SideBySide
from tests.support.sweeps import (
    QUICK,
    Interruption,
    assert_same_table,
    by_run,
    quiet,
    request,
    statuses,
    table,
)

BASELINES = {"compare": "magnitude,uniform", "keep": "0.2,0.05", "max_runs": 4}


def asked(folder="study", settings=None, **budget):
    return request(folder, settings, **(BASELINES | budget))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of a study with two baselines for two seeds, swept without an interruption."""
    folder = tmp_path_factory.mktemp("whole") / "study"
    sweep(asked(folder, repeats=2), quiet)
    return folder


def roles(points):
    return points["role"].value_counts().to_dict()


def test_a_parent_is_trained_first_and_once_for_all_methods(whole):
    points = table(whole)
    assert roles(points) == {"search": 8, "trunk": 2, "comparison": 8}
    trunks, children = (points[points["role"] == role] for role in ("trunk", "comparison"))
    assert trunks.index.max() < children.index.min()
    assert set(trunks["run_id"]) == set(children["parent"])
    assert trunks[["lam", "threshold"]].to_numpy().tolist() == [[0, 0], [0, 0]]
    seeds = trunks.set_index("run_id")["seed"]
    assert (children["parent"].map(seeds) == children["seed"]).all()
    weights = children["prunable_weights"] * children["keep"].astype(float)
    assert (children["nonzeros"] - weights).abs().max() <= 1  # of two layers
    assert children["lam"].isna().all()


def test_a_child_starts_from_its_parents_weights(whole):
    """With so few steps its largest weights are still where the parent has them."""
    points = table(whole)
    child = points[(points["method"] == "magnitude") & (points["keep"] == 0.05)].iloc[0]
    parent = load_file(whole / f"weights/{child['parent']}.safetensors")
    pruned = load_file(whole / f"weights/{child['run_id']}.safetensors")
    names = [layer["name"] for layer in child["layers"]]
    before = np.concatenate([np.abs(parent[name]).ravel() for name in names])
    kept = np.concatenate([pruned[name].ravel() != 0 for name in names])
    assert kept.sum() == round(0.05 * len(before))
    assert before[kept].min() >= before[~kept].max()


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        (Progress, 60),
        (Recorded, 5),
        pytest.param(Progress, 12, marks=pytest.mark.slow),
        pytest.param(Progress, 84, marks=pytest.mark.slow),
        pytest.param(Recorded, 7, marks=pytest.mark.slow),
    ],
)
def test_resume_equals_uninterrupted(whole, kind, count):
    """Interrupted in the trunk, before its children, or among them."""
    stop = Interruption(kind, count)
    with pytest.raises(KeyboardInterrupt):
        sweep(asked(repeats=2), stop)
    sweep(asked(repeats=2), quiet)
    assert_same_table(by_run(table()), by_run(table(whole)))


def test_fleets_side_by_side_give_the_same_table(whole):
    sweep(asked(repeats=2), quiet, SideBySide(1))
    assert_same_table(by_run(table()), by_run(table(whole)))


def test_a_dense_run_of_the_search_is_the_parent_and_keeps_its_role():
    """Without pruning and warm-up the search's run at λ = 0 is the dense one."""
    plain = {"threshold": 0.0, "warm_up": 0.0}
    sweep(asked(settings=plain, keep_weights="front"), quiet)
    assert roles(table()) == {"search": 4, "comparison": 4}
    (dense,) = set(table().loc[table()["role"] == "comparison", "parent"])
    path = Path("study/weights") / f"{dense}.safetensors"
    path.unlink(missing_ok=True)
    columns = storage.read_plan(Path("study")).columns
    storage.forget_weights(Path("study"), storage.read(Path("study"), columns), [dense], columns)
    sweep(asked(settings=plain, keep_weights="all", keep="0.2,0.05,0.5"), quiet)
    assert roles(table()) == {"search": 4, "comparison": 6}
    assert set(table()["status"]) == {"done"}
    assert path.is_file()


def test_children_of_both_roles_fail_in_their_roles():
    settings = {"method": "magnitude"}
    budget = {"keep": "0.2,0.05", "smgd": 0, "compare": "uniform", "fleet": 2}
    wanted = {name: QUICK[name] for name in ("epochs", "batch_size", "learning_rate")}
    study = SweepRequest(folder=Path("study"), settings=wanted | settings, budget=budget)
    with pytest.raises(CouldNotError, match="no luck"):
        sweep(study, quiet, Failing(0))
    points = table()
    assert statuses() == {"failed": 5}
    assert points.groupby("method")["role"].unique().map(list).to_dict() == {
        "magnitude": ["search"],
        "uniform": ["comparison"],
        "weighted-sum": ["trunk"],
    }


def test_asynchronous_children_wait_for_their_parents():
    sweep(replace(asked(), is_async=True), quiet, SideBySide(2))
    points = table()
    assert roles(points) == {"search": 4, "trunk": 1, "comparison": 4}
    assert points.index[points["role"] == "trunk"].max() < (
        points.index[points["role"] == "comparison"].min()
    )


def test_children_of_a_failed_parent_fail_with_its_reason_and_can_be_trained_again(whole):
    sweep(asked(repeats=2), quiet, Failing(4))  # the fleet after four of the search
    points = table()
    assert statuses() == {"done": 8, "failed": 10}
    children = points[points["role"] == "comparison"]
    failed = points[points["role"] == "trunk"].set_index("run_id")
    assert len(children) == 8
    for _, child in children.iterrows():
        reason = failed.loc[child["parent"], "failure"]
        assert child["failure"] == (
            f"the run that it starts from, {child['parent']}, failed: {reason}"
        )
    sweep(asked(repeats=2, is_retry=True), quiet)
    assert_same_table(by_run(table()), by_run(table(whole)))


def test_a_parent_that_learnt_nothing_fails_its_children():
    sweep(asked(settings={"learning_rate": 1e-30}, max_runs=1), quiet)
    points = table()
    children = points[points["role"] == "comparison"]
    assert set(children["status"]) == {"failed"}
    assert children["failure"].str.endswith("is no better than a constant prediction").all()


def trunk_file():
    points = table()
    (run_id,) = points.loc[points["role"] == "trunk", "run_id"]
    return Path("study/weights") / f"{run_id}.safetensors"


def test_a_parent_that_was_deleted_by_hand_is_trained_again_if_it_is_needed():
    sweep(asked(), quiet)
    before, path = trunk_file().read_bytes(), trunk_file()
    path.unlink()
    sweep(asked(), quiet)
    assert not path.exists()  # nothing is to start from it
    events = []
    sweep(asked(keep="0.2,0.05,0.5"), events.append)
    notes = [event.text for event in events if isinstance(event, Note)]
    assert [
        note
        for note in notes
        if f"the weights of {path.stem}, from which runs start, are gone" in note
    ]
    assert path.read_bytes() == before
    assert roles(table()) == {"search": 4, "trunk": 1, "comparison": 6}


@pytest.mark.parametrize(
    "how", ["shapes", *(pytest.param(how, marks=pytest.mark.slow) for how in ("names", "no file"))]
)
def test_weights_that_do_not_fit_are_named_and_nothing_is_lost(how):
    sweep(asked(), quiet)
    path, points = trunk_file(), table()
    tensors = load_file(path)
    first = next(iter(tensors))
    if how == "shapes":
        save_file(tensors | {first: tensors[first][:1].copy()}, path)
    elif how == "names":
        save_file({"x": tensors.pop(first), **tensors}, path)
    else:
        path.write_bytes(b"nothing")
    with pytest.raises(CorruptStudyError, match=re.escape(str(path))):
        sweep(asked(keep="0.2,0.05,0.5"), quiet)
    assert_same_table(table(), points)


def test_weights_of_a_parent_are_kept_as_long_as_a_run_may_start_from_them():
    with pytest.raises(KeyboardInterrupt):
        sweep(asked(keep_weights="none"), Interruption(Recorded, 3))
    assert roles(table()) == {"search": 4, "trunk": 1}
    assert trunk_file().is_file()
    sweep(asked(keep_weights="none"), quiet)
    assert statuses() == {"done": 9}
    assert not trunk_file().exists()
    sweep(asked(keep_weights="none", keep="0.2,0.05,0.5"), quiet)
    assert roles(table()) == {"search": 4, "trunk": 1, "comparison": 6}
    assert statuses() == {"done": 11}


def test_baselines_alone_are_a_front():
    settings = {"epochs": 3, "batch_size": 64, "learning_rate": 0.02, "method": "magnitude"}
    budget = {"keep": "0.5,0.2,0.1,0.05", "repeats": 2, "smgd": 0, "fleet": 4}
    sweep(SweepRequest(folder=Path("study"), settings=settings, budget=budget), quiet)
    points = table()
    assert roles(points) == {"trunk": 2, "search": 8}
    assert points.loc[points["role"] == "search", "search"].isna().all()
    snapshot = load_study(Path("study"))
    assert snapshot.networks["seeds"].tolist() == [2, 2, 2, 2, 2]
    assert set(snapshot.front["keep"]) <= {0.5, 0.2, 0.1, 0.05}
    assert len(snapshot.front) > 1


@pytest.mark.parametrize(
    ("budget", "sentence"),
    [
        ({"keep": "0"}, "'0' is no share above 0 and up to 1"),
        ({"keep": "1.5"}, "'1.5' is no share"),
        ({"keep": "0.5,,0.1"}, "'' is no share"),
        ({"keep": "half"}, "'half' is no share"),
        ({"keep": "nan"}, "'nan' is no share"),
        ({"keep": "0.1,.1"}, "0.1 is there twice"),
        ({"keep": "0.5,1e-6"}, "--keep 1e-06 leaves less than one of .* weights: take .* or more"),
        ({"compare": "magnitud"}, "--compare magnitud is unknown: did you mean magnitude?"),
        ({"compare": "weighted-sum"}, "--compare weighted-sum is unknown"),
        ({"compare": "uniform,uniform"}, "leave one uniform out"),
        (
            {"compare": "smgd", "smgd": 1},
            "--keep: of magnitude and uniform, of which this study has no runs",
        ),
        ({"compare": "smgd", "keep": None, "smgd": 0}, "--smgd 0 and --compare smgd exclude"),
        ({"prune_schedule": "slow"}, "--prune-schedule slow is unknown"),
        ({"tune_epochs": -1}, "--tune-epochs -1 is out of range"),
    ],
    ids=str,
)
def test_bad_input_gets_a_sentence_and_leaves_no_study(budget, sentence):
    asked_for = asked(**budget)
    given = {name: value for name, value in asked_for.budget.items() if value is not None}
    with pytest.raises(UsageError, match=sentence):
        sweep(replace(asked_for, budget=given), quiet)
    assert not storage.is_study(Path("study"))
