"""The default search on fronts in closed form: where it ends, and how far it looks."""

from dataclasses import replace

import numpy as np
import pytest

from paretoprune.analysis.aggregate import alive
from tests.support.searches import (
    ON_FRONTS,
    SETTINGS,
    area_left,
    assert_lams_are_valid,
    assert_never_worse_than_chord,
    examined,
    knee,
    settings_of,
)
from tests.support.tables import FRONTS, corner, noisy, sweep


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


@pytest.mark.parametrize(("last", "state"), [(0.1, "overfit"), (0.9, "open")])
def test_denser_than_the_least_validation_loss_is_overfit(last, state):
    rows = [
        corner(0.0, 0.01, 900.0, val_loss=0.9),
        corner(0.001, 0.1, 300.0, val_loss=0.5),
        corner(0.01, 0.8, 100.0, val_loss=last),
    ]
    intervals = examined(rows).intervals
    assert [interval.state for interval in intervals] == ["overfit", state]
    assert not {i.lam for i in intervals if i.state == "overfit"} & set(examined(rows).lams)


@pytest.mark.parametrize(
    ("error", "states"),
    # of 10,000 images an error of 1 % has a standard error of 0.1 points
    [(0.0112, ["overfit", "open"]), (0.0108, ["overfit", "overfit"])],
    ids=["fewer errors", "no fewer errors"],
)
def test_a_network_of_larger_loss_and_fewer_errors_is_not_overfit(error, states):
    rows = [
        corner(0.0, 0.01, 900.0, 0.9, val_loss=0.9, val_error=0.012),
        corner(0.001, 0.1, 300.0, 0.3, val_loss=0.5, val_error=0.010),
        corner(0.01, 0.8, 100.0, 0.1, val_loss=0.1, val_error=error),
    ]
    settings = replace(SETTINGS, validation_images=10_000)
    assert [interval.state for interval in examined(rows, settings).intervals] == states


@pytest.mark.parametrize(("last", "reaches"), [(0.99, True), (1.01, False)])
def test_the_search_reaches_on_until_half_way_to_the_constant_prediction(last, reaches):
    half = np.sqrt(0.1 * SETTINGS.constant_loss)  # in log, from the least validation loss
    rows = [
        corner(0.0, 0.1, 100.0, val_loss=0.1),
        corner(0.2, 1.0, 10.0, 0.0001, val_loss=last * half),
    ]
    odds = 10 * 0.2 / 0.8
    assert (float(f"{odds / (1 + odds):.6g}") in examined(rows).lams) == reaches


def test_a_perfect_network_does_not_end_the_reach():
    """A loss of zero is infinitely far from any other, on a logarithmic scale."""
    rows = [
        corner(0.0, 0.1, 100.0, val_loss=0.0),
        corner(0.2, 1.0, 10.0, 0.5, val_loss=0.01 * SETTINGS.constant_loss * 0.99),
    ]
    assert max(examined(rows).lams) > 0.2


def test_the_search_goes_half_way_to_a_lam_that_killed():
    living = [corner(0.0, 0.1, 100.0), corner(0.01, 1.0, 10.0, 0.5, val_loss=0.2)]
    dead = [corner(0.16, 2.3, 0.1, 0.0, collapsed=True), {"lam": 0.64, "status": "failed"}]
    assert examined([*living, *dead]).lams[0] == pytest.approx(0.04)
    near = [corner(0.0104, 2.3, 0.1, 0.0, collapsed=True)]
    assert not [lam for lam in examined([*living, *near]).lams if lam > 0.01]
