"""SMGD compared with a front: gaps, means over seeds, what was paid; worked out by hand."""

import math
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretoprune.analysis.aggregate import alive, over_seeds
from paretoprune.analysis.comparison.compare import compare
from paretoprune.analysis.comparison.distance import Gap, Spread, covered, gap, spread
from paretoprune.analysis.indicators import hypervolume, hypervolume_of
from paretoprune.analysis.pareto import AXES
from paretoprune.analysis.snapshot import Reading
from paretoprune.errors import UsageError
from paretoprune.study.run import SMGD
from tests.studies import COLLAPSED, FAILED, PLAN, ROWS, network
from tests.tables import table

STAIRS = np.array([[1.0, 100.0], [2.0, 50.0], [4.0, 10.0]])


def smgd(loss, size, seed, **also):
    """A row of SMGD with `size` nonzeros and a complexity of a tenth of it."""
    given_ = {"role": "comparison", "method": SMGD, "seconds": 5.0, **also}
    return network(None, loss, size, 0, seed=seed, **given_)


def reading_of(rows, name="study", **settings):
    points = table(rows)
    plan = replace(PLAN, settings=replace(PLAN.settings, **settings))
    return Reading(Path(name), plan, points, over_seeds(points))


def only_variant(rows, split="validation"):
    (variant,) = compare([reading_of(rows)], split).variants
    return variant


# A front of (loss, complexity): (0.02, 100), (0.022, 44), (0.03, 8), (0.2, 2), (0.9, 0.7)
SEARCHED = [{**row, "seconds": 2.0} for row in ROWS]
SEEDS = [smgd(0.05, 200, 0), smgd(0.07, 300, 1), smgd(0.09, 400, 2)]


@pytest.mark.parametrize(
    ("place", "quality", "cost", "is_dominated"),
    [
        ((3.0, 60.0), 1.0, 10.0, True),  # between two steps
        ((2.5, 20.0), -1.5, -30.0, False),  # before the staircase
        ((2.0, 50.0), 0.0, 0.0, False),  # a network of the front itself
        ((2.0, 60.0), 0.0, 10.0, True),  # as good, more costly
        ((3.0, 50.0), 1.0, 0.0, True),  # as costly, worse
        ((0.5, 200.0), -0.5, None, False),  # better than the whole front
        ((9.0, 5.0), None, -5.0, False),  # smaller than the whole front
        ((0.5, 5.0), None, None, False),  # beyond both ends
    ],
)
def test_the_gap_is_that_to_the_staircase(place, quality, cost, is_dominated):
    share = None if cost is None else cost / place[1]
    assert gap(np.array(place), STAIRS) == Gap(quality, cost, share, is_dominated)


def test_a_network_without_weights_has_no_share():
    assert gap(np.array([5.0, 0.0]), np.array([[4.0, 0.0]])) == Gap(1.0, 0.0, None, True)


NUMBERS = st.integers(0, 6).map(float)
PLACES = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=8)


@given(place=st.tuples(NUMBERS, NUMBERS), front=PLACES)
def test_gaps_agree_with_a_search_through_all_networks(place, front):
    found = gap(np.array(place), np.array(front))
    best = min((q for q, c in front if c <= place[1]), default=None)
    least = min((c for q, c in front if q <= place[0]), default=None)
    assert found.quality == (None if best is None else place[0] - best)
    assert found.size == (None if least is None else place[1] - least)
    assert found.is_dominated == any(
        q <= place[0] and c <= place[1] and (q, c) != place for q, c in front
    )
    if found.is_dominated:
        assert min(found.quality, found.size) >= 0 < max(found.quality, found.size)


@given(front=PLACES, by=PLACES)
def test_coverage_agrees_with_a_search_through_all_pairs(front, by):
    found = covered(np.array(front), np.array(by), AXES)
    expected = [any(q <= a and c <= b for q, c in by) for a, b in front]
    assert (found.covered, found.networks) == (sum(expected), len(front))


def test_a_spread_is_of_what_is_known():
    assert spread([1.0, None, 3.0, float("nan")]) == Spread(2.0, math.sqrt(2), 2)
    assert spread([4.0]) == Spread(4.0, None, 1)
    assert spread([None]) == Spread(None, None, 0)


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
    reading = reading_of([*SEARCHED, *SEEDS])
    (variant,) = compare([reading]).variants
    (against,) = variant.against
    assert against.hypervolume_without == hypervolume_of(reading.networks, 1000)
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
    reading = reading_of([*SEARCHED, smgd(0.0, 0, 0)])
    measured = replace(PLAN.measured, validation_images=100, test_images=40)
    reading = replace(reading, plan=replace(reading.plan, measured=measured))
    (variant,) = compare([reading], split).variants
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
    variants = compare([reading_of([*SEARCHED, *rows])]).variants
    assert len({variant.name for variant in variants}) == len(ways)
    assert all(variant.runs == 2 for variant in variants)


def test_the_front_is_paid_for_with_all_its_runs():
    rows = [*SEARCHED, {**COLLAPSED, "seconds": 2.0}, FAILED, *SEEDS]
    rows.append({**network(1e-4, 0.01, 60, 20, role="confirmation"), "epochs": 90})
    comparison = compare([reading_of(rows)])
    (front,) = comparison.fronts
    assert (front.runs, front.collapsed, front.failed, front.networks) == (7, 1, 1, 5)
    assert (front.epochs, front.seconds) == (21, 12.0)
    (against,) = comparison.variants[0].against
    assert against.epochs_ratio == pytest.approx(7)
    assert against.seconds_ratio == pytest.approx(12 / 5)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_the_course_has_a_step_for_each_fleet(split):
    fleets = [{"round": 0, "fleet_size": 2, "started_at": "a"}] * 2
    fleets += [{"round": 0, "fleet_size": 2, "started_at": "b"}] * 2
    fleets += [{"round": 1, "fleet_size": 1, "started_at": "b"}]
    rows = [{**row, **fleet} for row, fleet in zip(SEARCHED, fleets, strict=True)]
    reading = reading_of([*rows, *SEEDS])
    (front,) = compare([reading], split).fronts
    assert [step.epochs for step in front.course] == [6, 12, 15]
    assert [step.seconds for step in front.course] == [4.0, 8.0, 10.0]
    error = "val_error" if split == "validation" else "test_error"
    for step, end in zip(front.course, (2, 4, 5), strict=True):
        living = alive(reading.points.iloc[:end])
        volume = hypervolume(living[error].to_numpy(), living["nonzeros"].to_numpy() / 1050)
        assert step.hypervolume == pytest.approx(volume)
    assert front.course[-1].hypervolume == front.hypervolume


def test_fleets_within_a_second_are_told_apart_by_their_size():
    rows = [{**row, "fleet_size": 2} for row in SEARCHED[:4]]
    (front,) = compare([reading_of([*rows, *SEEDS])]).fronts
    assert [step.epochs for step in front.course] == [6, 12]


def test_the_order_of_rows_does_not_matter():
    rows = [*SEARCHED, COLLAPSED, *SEEDS]
    comparison, turned = (compare([reading_of(order)]) for order in (rows, rows[::-1]))
    assert turned.variants == comparison.variants
    (front,), (other,) = comparison.fronts, turned.fronts
    assert replace(front, course=()) == replace(other, course=())


def test_nothing_that_is_given_is_altered():
    reading = reading_of([*SEARCHED, *SEEDS])
    before = reading.points.copy(deep=True), reading.networks.copy(deep=True)
    compare([reading], "test")
    assert reading.points.equals(before[0])
    assert reading.networks.equals(before[1])


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
    comparison = compare([reading_of([*rows, smgd(0.5, 200, 0)])])
    assert comparison.fronts[0].seeds == 2
    assert comparison.variants[0].against[0].distances[0].quality.mean == pytest.approx(0.5 - 0.04)


def test_seconds_of_different_devices_are_noted():
    rows = [*({**row, "device": "cuda"} for row in SEARCHED), smgd(0.05, 200, 0, device="cpu")]
    assert compare([reading_of(rows)]).notes == (
        "Seconds are of different devices (cpu, cuda): compare epochs.",
    )


def test_an_unknown_split_is_refused():
    with pytest.raises(UsageError, match="did you mean test"):
        compare([reading_of([*SEARCHED, *SEEDS])], "tst")
