"""Which studies are compared with which: fronts with each other, groups, and refusals."""

import math
from dataclasses import replace

import numpy as np
import pytest

from paretoprune.analysis.comparison.compare import compare
from paretoprune.analysis.comparison.distance import Spread
from paretoprune.analysis.indicators import hypervolume_of
from paretoprune.errors import UsageError
from paretoprune.training.methods.smgd import NAME as SMGD
from tests.support.comparisons import SEARCHED, SEEDS, snapshot_of
from tests.support.studies import COLLAPSED

BETTER = [{**row, "val_loss": row["val_loss"] * 0.99} for row in SEARCHED[1:]]


def test_fronts_cover_each_other():
    one, other = snapshot_of(SEARCHED, "a/one"), snapshot_of(BETTER, "other")
    first, second = compare([one, other]).coverages
    assert (first.front, first.by, second.front) == ("one", "other", "other")
    assert [(part.covered, part.networks) for part in first.parts] == [(4, 5), (4, 5)]
    # errors are the same: equalled ones count
    assert [(part.covered, part.networks) for part in second.parts] == [(0, 4), (4, 4)]
    together = hypervolume_of(one.networks, 1000)
    assert first.hypervolume_together == second.hypervolume_together == pytest.approx(together)
    assert second.hypervolume == hypervolume_of(other.networks, 1000)


def test_studies_that_differ_in_their_seed_only_are_a_group():
    snapshots = [
        snapshot_of(SEARCHED, "one", seed=0),
        snapshot_of(SEARCHED[1:], "two", seed=1),
        snapshot_of(SEARCHED, "third", seed=2, search="grid"),
    ]
    comparison = compare(snapshots)
    (group,) = comparison.groups
    volumes = [front.hypervolume for front in comparison.fronts[:2]]
    assert group.studies == ("one", "two")
    assert group.epochs == Spread(13.5, pytest.approx(math.sqrt(4.5)), 2)
    assert group.hypervolume.mean == pytest.approx(np.mean(volumes))
    assert "validation" in comparison.notes[0]


def test_studies_of_one_seed_or_of_other_budgets_are_no_group():
    """A copy that went on is no second measurement."""
    one, copy, other = (
        snapshot_of(SEARCHED, name, seed=seed)
        for name, seed in (("one", 0), ("copy", 0), ("two", 1))
    )
    assert compare([one, copy]).groups == ()
    assert [group.studies for group in compare([one, copy, other]).groups] == [("one", "two")]
    longer = replace(other.plan, budget=replace(other.plan.budget, max_runs=99))
    assert compare([one, replace(other, plan=longer)]).groups == ()


def test_studies_of_other_data_under_one_name_are_refused():
    one, other = snapshot_of(SEARCHED, "one"), snapshot_of(SEARCHED, "two")
    fewer = replace(other.plan, measured=replace(other.plan.measured, test_images=7))
    with pytest.raises(UsageError, match="test images are 500 and 7"):
        compare([one, replace(other, plan=fewer)])


def test_a_study_without_a_search_is_compared_with_every_other_front():
    fronts = [snapshot_of(SEARCHED, "one"), snapshot_of([*BETTER, *SEEDS], "two")]
    alone = snapshot_of(SEEDS, "alone", method=SMGD)
    comparison = compare([*fronts, alone])
    own, other = comparison.variants
    assert [against.front for against in own.against] == ["two"]
    assert [against.front for against in other.against] == ["one", "two"]
    assert [front.study for front in comparison.fronts] == ["one", "two"]


def test_a_study_without_runs_is_noted():
    comparison = compare([snapshot_of([*SEARCHED, *SEEDS], "one"), snapshot_of([], "empty")])
    assert comparison.notes == ("empty has no runs yet: there is nothing of it to compare.",)
    assert [front.study for front in comparison.fronts] == ["one"]


def test_studies_of_one_name_keep_their_folders():
    snapshots = [snapshot_of(SEARCHED, "a/study"), snapshot_of(BETTER, "b/study")]
    assert compare(snapshots).studies == ("a/study", "b/study")


@pytest.mark.parametrize(
    "change",
    [
        {"dataset": "mnist"},
        {"model": "lenet5"},
        {"prunable": "all"},
        {"validation": 0.2},
        {"image_size": 16},
    ],
)
def test_studies_of_different_problems_are_refused(change):
    (value,) = change.values()
    with pytest.raises(UsageError, match=f"one and two .* and {value}\\): compare studies of one"):
        compare([snapshot_of(SEARCHED, "one"), snapshot_of(SEARCHED, "two", **change)])


@pytest.mark.parametrize("row", [SEARCHED[:1], [COLLAPSED]])
def test_one_study_without_smgd_is_refused(row):
    with pytest.raises(UsageError, match="paretoprune sweep 'my study'"):
        compare([snapshot_of(row, "my study")])


def test_one_study_without_a_search_is_refused():
    with pytest.raises(UsageError, match=r"has no front.*name a study"):
        compare([snapshot_of(SEEDS, method=SMGD)])


def test_a_study_given_twice_is_refused():
    with pytest.raises(UsageError, match="study is given twice"):
        compare([snapshot_of(SEARCHED), snapshot_of(SEARCHED, "./x/../study")])


def test_a_search_that_learnt_nothing_stands_beside_others():
    nothing = snapshot_of([COLLAPSED, *SEEDS], "nothing")
    comparison = compare([snapshot_of(SEARCHED, "one"), nothing])
    assert comparison.fronts[1].networks == 0
    assert comparison.fronts[1].hypervolume == 0
    assert not comparison.coverages
    assert [against.front for against in comparison.variants[0].against] == ["one"]
