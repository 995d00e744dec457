"""The paper's searches: what each proposes between neighbours, and what leaves their list."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from paretoprune.analysis.aggregate import over_seeds
from paretoprune.search import SEARCHES
from paretoprune.search.interval_gain import Corner
from paretoprune.search.levels import level_rules, listed
from paretoprune.search.stochastic_dichotomic import DRAWS, normal_or_draw
from tests.support.searches import (
    ON_FRONTS,
    SETTINGS,
    assert_lams_are_valid,
    assert_never_worse_than_chord,
    examined,
    settings_of,
)
from tests.support.tables import FRONTS, corner, noisy, sweep, table

NAMES = ("bisection", "dichotomic", "stochastic-dichotomic")
bisection, dichotomic, stochastic = (SEARCHES[name] for name in NAMES)
LEVELS = pytest.mark.parametrize("search", [bisection, dichotomic, stochastic], ids=NAMES)
LOW, HIGH = SETTINGS.lam_ref / 100, SETTINGS.lam_ref * 10
PAPER = replace(SETTINGS, recipe="paper")
TWO = [corner(2 * LOW, 0.1, 1000.0), corner(HIGH / 2, 1.0, 10.0)]  # and what one may lie between


def settled(rows, **changes):
    """The rows, and one at each end of the range, so that only intervals are left to propose."""
    ends = [corner(lam, 9.0, 9000.0) for lam in (LOW, HIGH)]
    return [*rows, *({**end, "lam": float(f"{end['lam']:.6g}")} for end in ends)]


def only(rows, search, settings=SETTINGS):
    (interval,) = examined(settled(rows), settings, search).intervals
    return interval


@LEVELS
def test_the_first_level_is_0_and_the_ends_of_the_range(search):
    assert sorted(examined([], search=search).lams) == pytest.approx([0, LOW, HIGH], rel=1e-5)
    two = replace(SETTINGS, round_size=2)
    rows = [FRONTS[0].train(lam) for lam in examined([], two, search).lams]
    assert float(f"{LOW:.6g}") in examined(rows, two, search).lams


@LEVELS
@ON_FRONTS
def test_on_a_convex_front_nothing_of_size_is_left(search, front):
    settings = settings_of(front, tolerance=0.02)
    points, proposal = sweep(search, settings, front.train, 120, assert_lams_are_valid)
    assert_never_worse_than_chord(front, points, proposal, 0.02)
    states = [interval.state for interval in proposal.intervals]
    assert set(states) <= {"converged", "narrow", "noise", "outside"}
    assert states.count("converged") > len(states) / 2


@LEVELS
def test_every_search_ends_under_noise(search):
    front = FRONTS[2]
    _, proposal = sweep(search, settings_of(front), noisy(front, 0.3, seed=3), 200)
    assert "open" not in {interval.state for interval in proposal.intervals}


def test_levels_of_a_bisection_are_means_of_logarithms():
    front = FRONTS[0]
    rows = [front.train(lam) for lam in examined([], search=bisection).lams]
    for parts in (2, 4):
        rows += [front.train(lam) for lam in examined(rows, search=bisection).lams]
        positive = sorted(row["lam"] for row in rows if row["lam"] >= LOW * 0.99)
        expected = LOW * (HIGH / LOW) ** (np.arange(parts + 1) / parts)
        assert positive == pytest.approx(expected, rel=1e-4)


def test_between_0_and_the_least_lam_there_is_nothing_to_bisect():
    rows = [FRONTS[0].train(lam) for lam in examined([], search=bisection).lams]
    first = examined(rows, search=bisection).intervals[0]
    assert (first.lam_low, first.state) == (0.0, "narrow")


def test_a_dichotomic_search_looks_where_both_neighbours_are_equally_good():
    lam = 0.9 / (0.9 + 90)  # 0.1 and 100, 1.0 and 10
    settings = replace(SETTINGS, lam_ref=lam)
    rows = [corner(0.0, 0.1, 100.0), corner(0.05, 1.0, 10.0)]
    (interval,) = examined(rows, settings, dichotomic).intervals
    assert interval.lam == pytest.approx(lam, rel=1e-5)
    assert examined(rows, settings, stochastic).intervals == (interval,)


def test_a_normal_out_of_the_range_is_outside():
    rows = [corner(0.0, 0.1, 100.0), corner(float(f"{LOW:.6g}"), 0.1 + 1e-6, 50.0)]
    (interval,) = examined(rows, search=dichotomic).intervals
    assert interval.state == "outside"
    assert interval.lam not in examined(rows, search=dichotomic).lams


def tried_in_vain(search, settings=SETTINGS):
    """Train what a search proposes between two neighbours; every network is dominated."""
    rows, lams = list(TWO), []
    while (interval := only(rows, search, settings)).state == "open":
        lams.append(interval.lam)
        rows.append(corner(interval.lam, 5.0, 5000.0))
    return lams, interval.state


def test_only_the_stochastic_search_tries_again_and_it_ends_too():
    assert tried_in_vain(bisection)[1] == tried_in_vain(dichotomic)[1] == "noise"
    assert len(tried_in_vain(bisection)[0]) == len(tried_in_vain(dichotomic)[0]) == 1
    lams, state = tried_in_vain(stochastic)
    assert (len(lams), state) == (1 + DRAWS, "noise")
    assert lams[0] == tried_in_vain(dichotomic)[0][0]
    low, high = TWO[0]["lam"], TWO[1]["lam"]
    assert all(low < lam < high for lam in lams)


def test_draws_are_the_studys_seeds_own_and_even_in_the_logarithm():
    low, high = (Corner(row["lam"], row["train_loss"], row["complexity"]) for row in TWO)

    def drawn(seed):
        return normal_or_draw(low, high, level_rules(replace(SETTINGS, seed=seed), 15))[1:]

    assert drawn(0) == drawn(0)
    draws = np.log([lam for seed in range(200) for lam in drawn(seed)])
    assert len(set(draws)) == len(draws) == 200 * DRAWS
    places = np.sort((draws - np.log(low.lam)) / np.log(high.lam / low.lam))
    assert places == pytest.approx(np.linspace(0, 1, len(places)), abs=0.08)


def test_dominated_points_and_those_above_the_chord_leave_the_list():
    rows = [
        corner(0.0, 0.1, 100.0),
        corner(0.01, 0.5, 70.0),  # above the chord from (0.1, 100) to (1, 10): 60 there
        corner(0.02, 0.6, 20.0),
        corner(0.03, 0.65, 19.5),  # in a dent, but below the chord
        corner(0.04, 0.7, 30.0),  # dominated
        corner(0.05, 1.0, 10.0),
    ]
    assert listed(over_seeds(table(rows)))["lam"].tolist() == [0.0, 0.02, 0.03, 0.05]


@LEVELS
def test_half_way_back_from_a_lam_that_killed(search):
    high = float(f"{HIGH:.6g}")
    rows = [corner(0.0, 0.1, 100.0), corner(float(f"{LOW:.6g}"), 0.2, 90.0)]
    dead = corner(high, 2.3, 0.0, collapsed=True)
    proposal = examined([*rows, dead], search=search)
    assert proposal.lams[0] == pytest.approx(np.sqrt(LOW * HIGH), rel=1e-4)
    assert high not in [interval.lam_high for interval in proposal.intervals]
    assert examined(rows, search=search).lams[0] == high  # it has not been tried
    near = corner(float(f"{1.04 * LOW:.6g}"), 2.3, 0.0, collapsed=True)
    assert not [lam for lam in examined([*rows, dead, near], search=search).lams if lam < high / 2]


@LEVELS
def test_where_nothing_lives_the_search_is_done(search):
    dead = [corner(lam, 2.3, 0.0, collapsed=True) for lam in (0.0, 0.1)]
    assert examined(dead, search=search).lams == ()


@LEVELS
@pytest.mark.parametrize("status", ["failed", "diverged"])
def test_a_failure_closes_an_interval_unless_there_is_another_draw(search, status):
    interval = only(TWO, search)
    now = only([*TWO, {"lam": interval.lam, "status": status}], search)
    assert now.state == ("open" if search is stochastic else "failed")


@LEVELS
def test_a_round_that_is_too_small_for_a_level_takes_the_largest_gains(search):
    rows = [FRONTS[2].train(float(f"{lam:.6g}")) for lam in np.geomspace(LOW, HIGH, 5)]
    settings = settings_of(FRONTS[2], tolerance=0.0)
    whole = examined(rows, settings, search)
    gains = {interval.lam: interval.gain for interval in whole.intervals}
    inner = [lam for lam in whole.lams if lam in gains]
    assert [gains[lam] for lam in inner] == sorted((gains[lam] for lam in inner), reverse=True)
    assert examined(rows, replace(settings, round_size=2), search).lams == whole.lams[:2]


@LEVELS
def test_the_papers_first_weights_are_0_and_a_tenth(search):
    assert examined([], PAPER, search).lams == (0.0, 0.1)


def test_the_papers_bisection_takes_plain_means_on_five_levels():
    front, lams = FRONTS[0], [[0.0, 0.1]]
    rows = [front.train(lam) for lam in lams[0]]
    wide = replace(PAPER, round_size=32, max_runs=99, tolerance=0.0)
    for level in range(1, 6):
        lams.append(list(examined(rows, wide, bisection).lams))
        rows += [{**front.train(lam), "round": level} for lam in lams[-1]]
    means = {round((a + b) / 2, 4) for a, b in pairwise(sorted(lams[0] + lams[1]))}
    assert {round(lam, 4) for lam in lams[2]} == means
    assert [len(level) for level in lams] == [2, 1, 2, 4, 8, 16]  # however close two lams are
    assert examined(rows, wide, bisection).lams == ()
    four = [{**row, "round": min(row.get("round", 0), 4)} for row in rows]
    assert examined(four, wide, bisection).lams


def test_the_papers_draws_keep_nine_tenths_of_the_losses_weight():
    rows = [corner(0.02, 0.1, 100.0), corner(0.1, 1.0, 10.0)]
    (first,) = examined(rows, PAPER, stochastic).intervals
    assert first.lam == pytest.approx(0.9 / 90.9, rel=1e-5)
    drawn = set()
    for seed in range(40):
        rows[2:] = [corner(first.lam, 5.0, 500.0)]
        (interval,) = examined(rows, replace(PAPER, seed=seed), stochastic).intervals
        drawn |= {1 - interval.lam} if interval.state == "open" else set()
    assert len(drawn) > 30
    assert 0.9 * 0.98 <= min(drawn) < 0.9
    assert 0.96 < max(drawn) <= 0.98


def test_the_papers_gains_trust_no_line_of_an_ends_own_lam():
    rows = [corner(0.004, 0.1, 100.0), corner(0.012, 1.0, 10.0)]
    own = examined(rows, search=dichotomic).intervals[0].gain
    assert examined(rows, PAPER, dichotomic).intervals[0].gain > 2 * own
