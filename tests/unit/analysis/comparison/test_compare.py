"""SMGD compared with a front, worked out by hand."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from paretoprune.analysis.comparison.compare import compare
from paretoprune.analysis.comparison.distance import Spread
from paretoprune.analysis.indicators import hypervolume, hypervolume_of
from paretoprune.errors import UsageError
from paretoprune.training.methods.smgd import NAME as SMGD
from tests.support.comparisons import SEARCHED, SEEDS, only_variant, smgd, snapshot_of
from tests.support.studies import COLLAPSED, PLAN, ROWS, network


def test_each_seed_is_compared_with_the_front():
    (against,) = only_variant([*SEARCHED, *SEEDS]).against
    by_loss, by_error = against.distances
    # at most as costly as 20, 30 and 40 is the network of loss 0.03 and complexity 8
    assert [one.quality for one in by_loss.each] == pytest.approx([0.02, 0.04, 0.06])
    assert [one.size for one in by_loss.each] == pytest.approx([12, 22, 32])
    assert by_loss.quality == Spread(pytest.approx(0.04), pytest.approx(0.02), 3)
    assert by_loss.size == Spread(pytest.approx(22), pytest.approx(10), 3)
    assert by_loss.share.mean == pytest.approx((12 / 20 + 22 / 30 + 32 / 40) / 3)
    assert by_loss.dominated == by_error.dominated == 3
    assert [one.quality for one in by_error.each] == pytest.approx([0.005, 0.01, 0.015])
    assert [one.size for one in by_error.each] == [120, 220, 320]


def test_a_seed_beyond_the_end_is_not_part_of_the_mean():
    rows = [*SEARCHED, smgd(0.05, 200, 0), smgd(0.01, 300, 1)]
    by_loss, _ = only_variant(rows).against[0].distances
    assert by_loss.dominated == 1
    assert by_loss.size == Spread(pytest.approx(12), None, 1)
    assert by_loss.quality == Spread(pytest.approx((0.02 - 0.02) / 2), pytest.approx(0.02828427), 2)


def test_statistics_are_over_the_seeds():
    variant = only_variant([*SEARCHED, *SEEDS])
    assert variant.seeds == (0, 1, 2)
    assert variant.measures["val_loss"] == Spread(pytest.approx(0.07), pytest.approx(0.02), 3)
    assert variant.measures["nonzeros"] == Spread(300, 100, 3)
    assert variant.measures["epochs"] == Spread(3, 0, 3)


def test_hypervolumes_are_those_of_the_front_module():
    snapshot = snapshot_of([*SEARCHED, *SEEDS])
    (variant,) = compare([snapshot]).variants
    (against,) = variant.against
    assert against.hypervolume_without == hypervolume_of(snapshot.networks, 1000)
    alone = [hypervolume(np.array([e]), np.array([s / 1050])) for e, s in places_of(SEEDS)]
    assert variant.hypervolume.mean == pytest.approx(np.mean(alone))
    assert variant.hypervolume.sd == pytest.approx(np.std(alone, ddof=1))
    both = [
        hypervolume(*np.array([*places_of(ROWS), one]).T / [[1], [1050]]) for one in SEED_PLACES
    ]
    assert against.hypervolume_with.mean == pytest.approx(np.mean(both))


def places_of(rows):
    return [(row["val_error"], row["nonzeros"]) for row in rows]


SEED_PLACES = places_of(SEEDS)


@pytest.mark.parametrize(("split", "images"), [("validation", 100), ("test", 40)])
def test_no_error_and_no_network_have_a_place(split, images):
    snapshot = snapshot_of([*SEARCHED, smgd(0.0, 0, 0)])
    measured = replace(PLAN.measured, validation_images=100, test_images=40)
    snapshot = replace(snapshot, plan=replace(snapshot.plan, measured=measured))
    (variant,) = compare([snapshot], split).variants
    expected = hypervolume(np.array([1 / (2 * images)]), np.array([1 / 1050]))
    assert variant.hypervolume.mean == pytest.approx(expected)


def test_collapsed_and_failed_runs_are_counted_not_measured():
    dead = [
        smgd(2.3, 0, 3, collapsed=True),
        {"role": "comparison", "method": SMGD, "lam": None, "epochs": 3, "seed": 4}
        | {"status": "diverged"},
    ]
    variant, alone = (only_variant([*SEARCHED, *SEEDS, *more]) for more in (dead, []))
    assert (variant.runs, variant.collapsed, variant.failed) == (5, 1, 1)
    assert replace(variant, runs=3, collapsed=0, failed=0) == alone


def test_a_variant_of_which_nothing_lives_has_no_figures():
    variant = only_variant([*SEARCHED, smgd(2.3, 0, 0, collapsed=True)])
    assert variant.seeds == ()
    assert variant.measures["val_loss"] == variant.hypervolume == Spread(None, None, 0)
    assert variant.against[0].epochs_ratio is None


def test_variants_are_told_apart_by_how_they_are_trained():
    ways = [{"moments": "separate"}, {"normalize": "l2"}, {"split": True}, {"epochs": 9}, {}]
    rows = [smgd(0.05, 200, seed, **way) for way in ways for seed in (0, 1)]
    variants = compare([snapshot_of([*SEARCHED, *rows])]).variants
    assert len({variant.name for variant in variants}) == len(ways)
    assert all(variant.runs == 2 for variant in variants)


def test_the_order_of_rows_does_not_matter():
    rows = [*SEARCHED, COLLAPSED, *SEEDS]
    comparison, turned = (compare([snapshot_of(order)]) for order in (rows, rows[::-1]))
    assert turned.variants == comparison.variants
    (front,), (other,) = comparison.fronts, turned.fronts
    assert replace(front, course=()) == replace(other, course=())


def test_nothing_that_is_given_is_altered():
    snapshot = snapshot_of([*SEARCHED, *SEEDS])
    before = snapshot.points.copy(deep=True), snapshot.networks.copy(deep=True)
    compare([snapshot], "test")
    assert snapshot.points.equals(before[0])
    assert snapshot.networks.equals(before[1])


def test_quality_on_test_data_of_a_front_chosen_on_validation():
    """The network of loss 0.3 is no part of the front, although it is the best on test data."""
    lucky = network(2e-4, 0.3, 100, 40, test_loss=0.001, test_error=0.0001)
    searched = [{**row, "test_loss": 2 * row["val_loss"]} for row in SEARCHED]
    variant = only_variant([*searched, lucky, smgd(0.5, 200, 0)], "test")
    by_loss, _ = variant.against[0].distances
    assert by_loss.quality.mean == pytest.approx(0.5 - 2 * 0.03)


def test_repeats_are_compared_as_means():
    rows = [
        {**row, "seed": seed, "val_loss": row["val_loss"] + seed / 100}
        for seed, row in product((0, 2), SEARCHED)
    ]
    comparison = compare([snapshot_of([*rows, smgd(0.5, 200, 0)])])
    assert comparison.fronts[0].seeds == 2
    assert comparison.variants[0].against[0].distances[0].quality.mean == pytest.approx(0.5 - 0.04)


def test_seconds_of_different_devices_are_noted():
    rows = [*({**row, "device": "cuda"} for row in SEARCHED), smgd(0.05, 200, 0, device="cpu")]
    assert compare([snapshot_of(rows)]).notes == (
        "Seconds are of different devices (cpu, cuda): compare epochs.",
    )


def test_an_unknown_split_is_refused():
    with pytest.raises(UsageError, match="did you mean test"):
        compare([snapshot_of([*SEARCHED, *SEEDS])], "tst")
