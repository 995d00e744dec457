"""Fronts: against brute force, and means over seeds against arithmetic by hand."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretoprune.analysis.aggregate import MEANS, alive, choosable, over_seeds
from paretoprune.analysis.indicators import hypervolume, hypervolume_of
from paretoprune.analysis.pareto import nondominated, pareto, supported, wide_gaps
from tests.support.studies import ROWS, sized
from tests.support.tables import OLD, SIZES, corner, table

COARSE = st.tuples(st.integers(1, 6), st.integers(1, 6))  # ties and equal points abound
FINE = st.tuples(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
PLACES = st.one_of(st.lists(COARSE, max_size=12), st.lists(FINE, max_size=12))


def points_at(places):
    """Cheap points: what fronts read of a table."""
    return pd.DataFrame(
        {
            "val_loss": [float(x) for x, _ in places],
            "complexity": [float(y) for _, y in places],
            "lam": np.arange(len(places), dtype=float),
            "run_id": [f"{i:04}" for i in range(len(places))],
        }
    )


def places_of(points):
    return list(zip(points["val_loss"], points["complexity"], strict=True))


def dominates(a, b):
    return a[0] <= b[0] and a[1] <= b[1] and a != b


@settings(deadline=None)
@given(PLACES)
def test_pareto_is_what_nothing_dominates(places):
    kept = [p for p in places if not any(dominates(other, p) for other in places)]
    front = pareto(points_at(places))
    assert places_of(front) == sorted(kept)
    assert front.index.is_unique


@settings(max_examples=40, deadline=None)
@given(PLACES)
def test_order_of_rows_is_irrelevant(places):
    points = points_at(places)
    for function in (pareto, supported):
        expected = function(points)
        for seed in range(2):
            pd.testing.assert_frame_equal(
                function(points.sample(frac=1, random_state=seed)), expected
            )
    pd.testing.assert_frame_equal(points, points_at(places))


def best_somewhere(places):
    """Values that alone minimise some weighted sum: one weight between all that make ties."""
    exact = {(Fraction(x), Fraction(y)) for x, y in places}
    ties = {Fraction(0), Fraction(1)}
    for (x, y), (u, v) in itertools.combinations(exact, 2):
        if (x - u) * (y - v) < 0:
            ties.add((x - u) / ((x - u) + (v - y)))  # (1 - w) dx + w dy = 0
    found = set()
    for low, high in itertools.pairwise(sorted(ties)):
        w = (low + high) / 2
        sums = {(x, y): (1 - w) * x + w * y for x, y in exact}
        least = min(sums.values())
        found |= {place for place, value in sums.items() if value == least}
    return sorted((float(x), float(y)) for x, y in found)


@settings(deadline=None)
@given(st.lists(COARSE, min_size=1, max_size=12))
def test_supported_points_are_best_for_some_weight(places):
    assert places_of(supported(points_at(places))) == best_somewhere(places)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)), min_size=1, max_size=12))
def test_supported_points_among_many_places(places):
    assert places_of(supported(points_at(places))) == best_somewhere(places)


def test_other_axes():
    rows = [
        {"val_loss": 1.0, "nonzeros": 9, "complexity": 1.0},
        {"val_loss": 2.0, "nonzeros": 5, "complexity": 2.0},
        {"val_loss": 3.0, "nonzeros": 8, "complexity": 0.5},
    ]
    points = table({**row, "lam": i / 10} for i, row in enumerate(rows))
    assert list(pareto(points).index) == [0, 2]
    assert list(pareto(points, ("val_loss", "nonzeros")).index) == [0, 1]


def staircase(errors, shares):
    """The dominated share of the box, summed up step by step."""
    total, ceiling = 0.0, 1.0
    places = sorted(
        (1 + math.log10(e / 0.1) / 2, 1 + math.log10(s) / 3)
        for e, s in zip(errors, shares, strict=True)
    )
    for x, y in ((min(max(x, 0), 1), min(max(y, 0), 1)) for x, y in places):
        total += (1 - x) * max(ceiling - y, 0)
        ceiling = min(ceiling, y)
    return total


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(1e-4, 1.0), st.floats(1e-4, 1.0)), min_size=1, max_size=12))
def test_hypervolume_is_the_staircases(places):
    errors, shares = np.array(places).T
    assert hypervolume(errors, shares) == pytest.approx(staircase(errors, shares), abs=1e-9)


@pytest.mark.parametrize(
    ("error", "share", "volume"),
    [
        (0.1, 1.0, 0.0),  # the reference
        (0.001, 0.001, 1.0),  # the ideal
        (0.0, 0.0, 1.0),  # beyond it
        (0.01, 1.0, 0.0),
        (0.2, 0.001, 0.0),
        (0.01, 0.1, 1 / 2 * 1 / 3),
        (0.01, 0.01, 1 / 2 * 2 / 3),
        (0.001, 0.1, 1 / 3),
    ],
)
def test_hypervolume_of_one_point_by_hand(error, share, volume):
    assert hypervolume(np.array([error]), np.array([share])) == pytest.approx(volume)


def test_hypervolume_of_no_point():
    assert hypervolume(np.array([]), np.array([])) == 0


def test_hypervolume_of_a_table_counts_half_an_image_and_one_weight_at_least():
    """One living network without an error and without a weight, of 50 images and 100 weights."""
    rows = [
        {"lam": 0.1, "val_error": 0.0, "nonzeros": 0, "prunable_weights": 100},
        {"lam": 0.2, "val_error": 0.001, "nonzeros": 1, "role": "comparison"},
        {"lam": 0.3, "val_error": 0.001, "nonzeros": 1, "collapsed": True},
    ]
    assert hypervolume_of(table(rows), samples=50) == pytest.approx(1 / 2 * 2 / 3)
    assert hypervolume_of(table(rows[1:]), samples=50) == 0


SEEDS = [
    {"lam": 0.1, "seed": 0, "val_loss": 0.4, "complexity": 10.0, "nonzeros": 6},
    {"lam": 0.1, "seed": 1, "val_loss": 0.2, "complexity": 30.0, "nonzeros": 7, "device": "best"},
    {"lam": 0.1, "seed": 2, "val_loss": 0.6, "complexity": 20.0, "nonzeros": 11},
    {"lam": 0.2, "seed": 0, "val_loss": 0.5, "complexity": 9.0, "nonzeros": 3},
    {"lam": 0.2, "seed": 1, "val_loss": 0.1, "complexity": 0.0, "nonzeros": 0, "collapsed": True},
    {"lam": 0.2, "seed": 2, "status": "failed", "failure": "no memory"},
    {"lam": 0.3, "seed": 0, "status": "diverged"},
    {"lam": 0.3, "seed": 1, "status": "diverged"},
    {"lam": 0.1, "seed": 0, "val_loss": 9.0, "role": "comparison"},
]


def test_means_over_seeds_by_hand():
    points = table(SEEDS)
    rows = over_seeds(points).set_index(["role", "lam"])
    assert len(rows) == 4
    first, second, third = (rows.loc[("search", lam)] for lam in (0.1, 0.2, 0.3))
    assert list(rows["seeds"].sort_index()) == [1, 3, 1, 0]
    means = ["val_loss", "complexity", "nonzeros"]
    assert first[means].tolist() == pytest.approx([0.4, 20, 8])
    deviations = [f"{name}_sd" for name in means]
    assert first[deviations].tolist() == pytest.approx([0.2, 10, 7**0.5])
    assert second[means].tolist() == pytest.approx([0.5, 9, 3])
    assert second[deviations].tolist() == [0, 0, 0]
    assert (second["status"], bool(second["collapsed"])) == ("done", False)
    assert third["status"] == "diverged"
    assert rows.loc[("comparison", 0.1), "val_loss"] == 9.0


def test_the_network_handed_over_is_the_living_one_of_least_validation_loss():
    points = table(SEEDS)
    rows = over_seeds(points).set_index(["role", "lam"])
    best, alive_one = points.iloc[1], points.iloc[3]
    assert rows.loc[("search", 0.1), ["run_id", "device", "seed"]].tolist() == [
        *(best["run_id"], "best", 1)
    ]
    assert rows.loc[("search", 0.2), "run_id"] == alive_one["run_id"]
    assert rows.loc[("search", 0.3), "run_id"] == points.iloc[6]["run_id"]


@pytest.mark.parametrize("seed", range(3))
def test_means_do_not_depend_on_the_order_of_rows(seed):
    points = table(SEEDS)
    before = points.copy(deep=True)
    expected = over_seeds(points).set_index("run_id").sort_index()
    shuffled = points.sample(frac=1, random_state=seed)
    for again in (shuffled, shuffled.reset_index(drop=True)):
        rows = over_seeds(again).set_index("run_id").sort_index()
        pd.testing.assert_frame_equal(rows, expected)
    pd.testing.assert_frame_equal(points, before)


def test_one_seed_is_its_own_mean():
    points = table(SEEDS[:1] + SEEDS[3:4])
    rows = over_seeds(points)
    assert rows["seeds"].tolist() == [1, 1]
    pd.testing.assert_frame_equal(rows[points.columns], points, check_dtype=False)


def test_no_points_have_no_means_and_no_front():
    rows = over_seeds(table([]))
    assert rows.empty
    assert {"seeds", "val_loss_sd"} <= set(rows.columns)
    assert pareto(rows).empty
    assert wide_gaps(table([])) == []


def test_who_lives_and_who_may_be_chosen():
    rows = [
        *({"status": status} for status in ("done", "stopped", "diverged", "failed")),
        {"collapsed": True},
        *({"role": role} for role in ("derived", "comparison", "confirmation")),
    ]
    points = table({"lam": i / 10, **row} for i, row in enumerate(rows))
    assert list(alive(points).index) == [0, 5, 6, 7]
    assert list(choosable(points).index) == [0, 5]


def test_wide_gaps_are_more_than_tenfold_and_not_beside_lam_0():
    sizes = [(0.0, 100_000), (0.01, 5000), (0.1, 500), (0.2, 49), (0.3, 4), (0.4, 0)]
    rows = [
        {"lam": lam, "val_loss": 0.1 + lam, "complexity": 1 - lam, "nonzeros": nonzeros}
        for lam, nonzeros in sizes
    ]
    off = {"lam": 0.25, "val_loss": 0.9, "complexity": 1.0, "nonzeros": 20}
    other = {"lam": 0.25, "val_loss": 0.31, "complexity": 0.79, "nonzeros": 20}
    assert wide_gaps(table([*rows, off])) == [(0.1, 0.2), (0.2, 0.3)]
    assert wide_gaps(table([*rows, {**other, "role": "comparison"}])) == [(0.1, 0.2), (0.2, 0.3)]
    assert wide_gaps(table([*rows, {**other, "role": "derived"}])) == [(0.1, 0.2)]


@pytest.mark.parametrize("other", [1e-6, 0.1, 0.2, 0.3])
def test_of_equal_points_the_smallest_lam_stands_for_all(other):
    points = table([corner(other, 0.1, 5.0), corner(0.0, 0.1, 5.0)])
    assert supported(points, ("train_loss", "complexity"))["lam"].tolist() == [0.0]


def test_means_are_over_the_seeds_of_every_size():
    assert set(SIZES) <= set(MEANS)
    rows = [{**sized(ROWS[0], flops, 10, 100), "seed": seed} for seed, flops in enumerate((10, 30))]
    (row,) = over_seeds(table(rows)).to_dict("records")
    assert (row["flops"], row["flops_sd"]) == (20, pytest.approx(200**0.5))
    (row,) = over_seeds(table([{**row, **OLD} for row in rows])).to_dict("records")
    assert np.isnan(row["flops"])


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4], [4, 2, 0, 1, 3]])
def test_what_is_not_known_is_on_no_front(order):
    nan = np.nan
    values = np.array([(1, 5), (0.5, nan), (nan, 0), (2, 2), (nan, nan)], float)[order]
    assert sorted(values[nondominated(values)].tolist()) == [[1, 5], [2, 2]]
    assert len(nondominated(values[:0])) == 0
    assert len(nondominated(np.full((3, 2), nan))) == 0
