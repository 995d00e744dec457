"""Searches: the contract of all of them, then the grid and the knee on fronts in closed form."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from paretoprune.analysis.aggregate import alive, over_seeds
from paretoprune.search import SEARCHES, SearchSettings
from paretoprune.study.defaults import RECIPES
from tests.tables import FRONTS, SAMPLES, corner, noisy, sweep, table

knee, grid = SEARCHES["knee"], SEARCHES["grid"]
ALL = pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES.keys())
ON_FRONTS = pytest.mark.parametrize("front", FRONTS, ids=lambda front: front.name)
SETTINGS = SearchSettings(
    lam_ref=FRONTS[0].lam_ref,
    round_size=8,
    tolerance=0.005,
    max_runs=20,
    constant_loss=float(np.log(10)),
    validation_images=100,
)


def settings_of(front, **changes):
    return replace(SETTINGS, lam_ref=front.lam_ref, **changes)


def examined(rows, settings=SETTINGS, search=knee):
    return search(over_seeds(table(rows)), settings)


TABLES = pytest.mark.parametrize("rows", SAMPLES.values(), ids=SAMPLES.keys())


def assert_order_is_irrelevant(search, points, settings):
    proposal = search(points, settings)
    for seed in range(3):
        shuffled = points.sample(frac=1, random_state=seed)
        assert search(shuffled, settings) == proposal
        assert search(shuffled.reset_index(drop=True), settings) == proposal


def assert_adding_nothing_changes_nothing(search, points, settings):
    before = points.copy(deep=True)
    assert search(points, settings) == search(points, settings)
    pd.testing.assert_frame_equal(points, before)


def assert_lams_are_valid(proposal, points, settings):
    assert len(proposal.lams) <= settings.round_size
    assert len(set(proposal.lams)) == len(proposal.lams)
    assert not set(proposal.lams) & set(points["lam"])
    for lam in (*proposal.lams, *(interval.lam for interval in proposal.intervals)):
        assert type(lam) is float
        assert 0 <= lam < 1
        assert lam == float(f"{lam:.6g}")
    for interval in proposal.intervals:
        assert interval.gain >= 0


def area_left(front, points, interval):
    """The area between the chord of an interval and the true front, on logarithmic axes."""
    places = points.set_index("lam")[["train_loss", "complexity"]]
    dense, sparse = places.loc[interval.lam_low], places.loc[interval.lam_high]
    losses = np.geomspace(dense.iloc[0], sparse.iloc[0], 2001)
    chord = np.interp(losses, *zip(dense, sparse, strict=True))
    true = np.array([front.complexity(loss) for loss in losses])
    return np.trapezoid(np.log10(chord / true), np.log10(losses))


def assert_never_worse_than_chord(front, points, proposal, tolerance):
    """Where an interval has converged, no more than the tolerance was left to find."""
    for interval in proposal.intervals:
        if interval.state == "converged":
            assert area_left(front, points, interval) <= tolerance


@ALL
@TABLES
@pytest.mark.parametrize("recipe", RECIPES)
def test_contract(search, rows, recipe):
    points, asked = over_seeds(table(rows)), replace(SETTINGS, recipe=recipe)
    assert_order_is_irrelevant(search, points, asked)
    assert_adding_nothing_changes_nothing(search, points, asked)
    assert_lams_are_valid(search(points, asked), points, asked)


@ALL
@pytest.mark.parametrize("size", [2, 3, 8])
def test_first_round_begins_dense_and_fits(search, size):
    lams = examined([], replace(SETTINGS, round_size=size), search).lams
    assert lams[0] == 0
    assert len(lams) == (size if search in (knee, grid) else min(size, 3))


def test_knees_first_round_is_a_grid_of_the_rounds_size():
    lams, unit = examined([]).lams, SETTINGS.lam_ref  # wherever they are cut, they span the range
    wanted = [0, *np.geomspace(unit / 100, 10 * unit, 7)]
    assert (sorted(lams), lams[:2]) == (pytest.approx(wanted, rel=1e-5), (0, max(lams)))


@ON_FRONTS
@pytest.mark.parametrize("tolerance", [0.05, 0.002])
def test_knee_ends_with_the_front_within_tolerance(front, tolerance):
    settings = settings_of(front, tolerance=tolerance)
    points, proposal = sweep(knee, settings, front.train, 300, assert_lams_are_valid)
    assert {i.state for i in proposal.intervals} <= {"converged", "narrow"}
    assert sum(i.state == "narrow" for i in proposal.intervals) <= 1
    assert_never_worse_than_chord(front, points, proposal, tolerance)
    for interval in proposal.intervals:
        assert area_left(front, points, interval) <= 1.01 * interval.gain
    assert points.set_index("lam")["complexity"][proposal.intervals[0].lam_low] == front.widest
    assert proposal.intervals[-1].lam_high == alive(points)["lam"].max()


@pytest.mark.parametrize("front", FRONTS[2:], ids=lambda front: front.name)
@pytest.mark.parametrize("size", [0.01, 0.3])
def test_knee_ends_under_noise(front, size):
    train, settings = noisy(front, size, seed=3), settings_of(front, tolerance=0.0005)
    _, proposal = sweep(knee, settings, train, 300, assert_lams_are_valid)
    states = {interval.state for interval in proposal.intervals}
    assert "noise" in states - {"open"} == states


@ON_FRONTS
def test_knee_explores_though_training_is_too_short(front):
    points, proposal = sweep(knee, settings_of(front), front.undertrain, 300, assert_lams_are_valid)
    states = [interval.state for interval in proposal.intervals]
    assert len(points) > SETTINGS.round_size
    assert states.count("converged") > len(states) / 2
    assert_never_worse_than_chord(front, points, proposal, SETTINGS.tolerance)


def test_gain_of_two_points_is_the_triangles_area():
    (interval,) = examined([corner(0.3, 0.1, 1.0), corner(0.8, 1.0, 0.1)]).intervals
    losses = np.geomspace(0.1, 1.0, 100_001)
    chord = np.interp(losses, [0.1, 1.0], [1.0, 0.1])
    lines = (1.0 - 0.7 / 0.3 * (losses - 0.1), 0.1 + 0.2 / 0.8 * (1.0 - losses))
    area = np.trapezoid(np.log10(chord / np.maximum(*lines)), np.log10(losses))
    assert interval.gain == pytest.approx(area, rel=0.01)
    assert (interval.lam_low, interval.lam, interval.lam_high) == (0.3, 0.5, 0.8)


@pytest.mark.parametrize("beyond", [(0.0, 0.09, 140.0), (0.9, 3.0, 7.0)])
def test_neighbours_bound_a_gain_where_an_ends_own_weight_says_nothing(beyond):
    """Both lams are on the wrong side of the chord's normal: only convexity is left."""
    late = [corner(0.2, 0.1, 100.0), corner(0.001, 1.0, 10.0)]
    (alone,) = examined(late).intervals
    (bounded,) = (i for i in examined([*late, corner(*beyond)]).intervals if i.lam_low == 0.2)
    assert 0 < bounded.gain / 2 < 0.99 * alone.gain  # three points have a knee: it counts double


def test_an_interval_at_the_knee_counts_double():
    losses = [(0.0, 0.1, 500.0), (0.001, 0.2, 100.0), (0.01, 0.6, 30.0), (0.1, 2.0, 10.0)]
    gains = []
    for val_losses in ([0.1, 0.11, 1.9, 2.0], [0.1, 0.15, 0.2, 2.0]):
        rows = [corner(*at, val_loss=v) for at, v in zip(losses, val_losses, strict=True)]
        gains.append(np.array([interval.gain for interval in examined(rows).intervals]))
    assert gains[0] / gains[1] == pytest.approx([2, 1, 0.5])  # knee at the 2nd, then the 3rd


def test_best_gain_comes_first():
    points = over_seeds(table([FRONTS[0].train(lam) for lam in (0.0, 1e-4, 1e-3, 0.01)]))
    proposal = knee(points, SETTINGS)
    gains = {interval.lam: interval.gain for interval in proposal.intervals}
    order = [gains[lam] for lam in proposal.lams if lam in gains]
    assert len(order) >= 3
    assert order == sorted(order, reverse=True)
    assert knee(points, replace(SETTINGS, round_size=2)).lams == proposal.lams[:2]


def test_beside_lam_0_the_search_goes_down_by_decades_but_not_below_a_ten_thousandth():
    least, lam_ref = SETTINGS.lam_ref / 1e4, SETTINGS.lam_ref

    def first(lam):  # the chord's normal is far above `lam`
        rows = [corner(0.0, 0.01, 900.0), corner(lam, 0.1, 899.0)]
        return examined(rows).intervals[0]

    assert first(lam_ref).lam == pytest.approx(lam_ref / 10, rel=1e-5)
    assert first(50 * least).lam == pytest.approx(5 * least, rel=1e-5)
    assert first(5 * least).lam == pytest.approx(least, rel=1e-5)
    assert first(least).state == "narrow"


@pytest.mark.parametrize("status", ["failed", "diverged", "stopped"])
def test_an_interval_whose_lam_failed_is_closed(status):
    ends = [corner(0.001, 0.1, 100.0), corner(0.1, 1.0, 10.0)]
    lam = examined(ends).intervals[0].lam
    failed = examined([*ends, {"lam": lam, "status": status}])
    assert (failed.intervals[0].state, lam in failed.lams) == ("failed", False)


def test_an_interval_whose_lam_came_out_above_the_chord_is_noise():
    ends = [corner(0.001, 0.1, 100.0), corner(0.1, 1.0, 10.0)]
    lam = examined(ends).intervals[0].lam
    for near in (lam, 1.04 * lam):
        assert examined([*ends, corner(near, 1.0, 100.0)]).intervals[0].state == "noise"
    assert examined([*ends, corner(1.06 * lam, 1.0, 100.0)]).intervals[0].state == "open"


def test_a_gain_below_tolerance_converges():
    ends = [corner(0.001, 0.1, 100.0), corner(0.1, 1.0, 10.0)]
    (interval,) = examined(ends).intervals
    for tolerance, state in ((0.99, "open"), (1.01, "converged")):
        settings = replace(SETTINGS, tolerance=tolerance * interval.gain)
        assert examined(ends, settings).intervals[0].state == state


def test_a_collapsed_point_is_never_an_end():
    rows = [corner(0.0, 0.1, 100.0), corner(0.01, 1.0, 10.0)]
    dead = [corner(0.5, 0.01, 0.1, collapsed=True), corner(0.6, 2.3, 0.0, collapsed=True)]
    alone, both = examined(rows).intervals, examined([*rows, *dead]).intervals
    assert alone == both


@pytest.mark.parametrize(
    "rows",
    [
        [{"lam": lam, "status": "failed"} for lam in (0.0, 0.1)],
        [corner(lam, 2.3, 0.0, collapsed=True) for lam in (0.0, 0.1)],
        [corner(0.0, 2.3, 0.0, collapsed=True), {"lam": 0.1, "status": "diverged"}],
    ],
    ids=["failed", "collapsed", "both"],
)
def test_where_nothing_lives_the_knee_search_is_done(rows):
    proposal = examined(rows)
    assert (proposal.lams, proposal.intervals) == ((), ())


@ALL
@pytest.mark.parametrize("lams", [[0.0], [0.01], [0.0, 0.01, 0.02], [0.1, 0.2]])
def test_equal_points_have_no_interval(search, lams):
    rows = [corner(lam, 0.1, 100.0) for lam in lams]
    proposal = examined(rows, search=search)
    assert proposal.intervals == ()
    assert_lams_are_valid(proposal, table(rows), SETTINGS)


@pytest.mark.parametrize("round_size", [3, 8, 64])
def test_grid_is_zero_and_19_lams_evenly_in_log_whatever_the_rounds_size(round_size):
    settings = replace(SETTINGS, round_size=round_size)
    points, _ = sweep(grid, settings, FRONTS[0].train, 40, assert_lams_are_valid)
    wanted = [0, *np.geomspace(settings.lam_ref / 100, 10 * settings.lam_ref, 19)]
    assert np.sort(points["lam"]) == pytest.approx(wanted, rel=1e-5)


def test_grid_covers_its_range_from_the_first_round_on():
    everything = sorted(examined([], replace(SETTINGS, round_size=20), grid).lams)
    first = examined([], replace(SETTINGS, round_size=4), grid).lams
    chosen = [everything.index(lam) for lam in first]
    assert {0, 19} <= set(chosen)
    assert all(min(abs(i - j) for j in chosen) <= 5 for i in range(20))


def test_grid_is_refined_where_max_runs_is_raised():
    rows = [{"lam": lam} for lam in examined([], replace(SETTINGS, round_size=20), grid).lams]
    raised = replace(SETTINGS, max_runs=40)
    while (proposal := examined(rows, raised, grid)).lams:
        assert_lams_are_valid(proposal, table(rows), raised)
        rows += [{"lam": lam} for lam in proposal.lams]
        assert len(rows) <= 40
    lams = sorted(row["lam"] for row in rows)
    assert len(lams) == 40
    ratios = np.log10([b / a for a, b in pairwise(lams[1:])])
    width = 3 / 18  # decades between neighbours of the first grid
    assert sum(ratios) == pytest.approx(3, rel=1e-5)
    assert ratios.max() <= width / 2 * 1.001  # 18 gaps halved, and 2 of the halves again
    assert ratios.min() >= width / 4 * 0.999


@pytest.mark.parametrize("max_runs", [1, 2, 3])
def test_grid_of_very_few(max_runs):
    few = replace(SETTINGS, max_runs=max_runs)
    lams, more = (examined([], asked, grid).lams for asked in (few, SETTINGS))
    assert (len(lams), min(lams)) == (max_runs, 0)
    assert examined([FRONTS[0].train(lam) for lam in more], few, grid).lams == ()
