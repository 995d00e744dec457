"""Knee rules, one by one: fronts whose knee is known by other means."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymoo.indicators.hv import HV

from paretoprune.analysis.aggregate import over_seeds
from paretoprune.analysis.knee import RULES, Terms
from paretoprune.analysis.knee.tradeoff import standing_out
from paretoprune.analysis.pareto import pareto
from tests.tables import table
from tests.test_knees import ERROR, LOSS, front_at, front_of

ROOT = Path(__file__).parent.parent
LOG, LINEAR = Terms(), Terms(is_log=False)
angle, chord, hypervolume, one_se, tradeoff, weight_interval = (
    RULES[name].rule
    for name in ("angle", "chord", "hypervolume", "one-se", "tradeoff", "weight-interval")
)


@pytest.mark.parametrize("corner", [1, 3, 5, 7])
def test_chord_finds_the_corner_of_two_lines_in_the_logarithms(corner):
    """From (0, 8) down steeply to (1, 2), then flat to (8, 0), or with another corner."""
    steep = np.column_stack([np.linspace(0, 1, corner + 1), np.linspace(8, 2, corner + 1)])
    flat = np.column_stack([np.linspace(1, 8, 9 - corner), np.linspace(2, 0, 9 - corner)])
    places = np.vstack([steep, flat[1:]])
    for terms, front in ((LOG, front_at(*10**places)), (LINEAR, front_at(*places))):
        assert chord(front, terms).index == corner
        assert "(0.44 of" in chord(front, terms).reason  # (1 - 1/8 - 2/8) / sqrt 2


def test_chord_finds_no_knee_above_the_chord():
    """Concave in the logarithms; convex and with corners in the values themselves."""
    logs = np.linspace(0, 1, 6)
    front = front_at(*zip(10**logs, 10 ** (1 - logs**2), strict=True))
    assert chord(front, LOG).index is None
    assert "below the line" in chord(front, LOG).reason
    assert chord(front, LINEAR).index is not None
    assert chord(front_of("line in logs", LOSS), LOG).index is None


def test_angle_finds_the_bend_of_a_corner():
    """Down by 2 to 1 and on by 1 to 2 (in the box): 63.4 - 26.6 degrees."""
    front = front_at((0, 9), (1.5, 6), (3, 3), (6, 1.5), (9, 0))
    verdict = angle(front, LINEAR)
    assert verdict.index == 2
    assert "(37 degrees)" in verdict.reason


def test_angle_looks_beyond_the_neighbours():
    """The middle of a bevelled corner does not bend between its neighbours, and most beyond them.

    Lines of slope -7/2 and -2/7: 74.05 - 15.95 degrees; its neighbours bend by 35.5.
    """
    verdict = angle(front_at((0, 9), (1, 3), (2, 2), (3, 1), (9, 0)), LINEAR)
    assert verdict.index == 2
    assert "(58 degrees)" in verdict.reason


def test_angle_combines_a_neighbour_with_the_next_but_one():
    """From (0, 9) by slope -7, on to (9, 0) by -1/4 rather than to the neighbour by -1/2."""
    verdict = angle(front_at((0, 9), (1, 2), (2, 1.5), (9, 0)), LINEAR)
    assert verdict.index == 1
    assert "(68 degrees)" in verdict.reason  # 81.87 - 14.04


def test_angle_finds_no_knee_where_nothing_bends_towards_the_ideal():
    logs = np.linspace(0, 1, 6)
    front = front_at(*zip(10**logs, 10 ** (1 - logs**2), strict=True))
    for front_without in (front, front_of("line in logs", LOSS), front_of("even in logs", LOSS)):
        verdict = angle(front_without, LOG)
        assert verdict.index is None
        assert "bends towards the ideal" in verdict.reason


def test_tradeoff_finds_what_stands_out():
    """A line with one point far below it: either neighbour is reached at a loss."""
    line = [(i, 10.0 - i) for i in range(11)]
    line[4] = (4, 5.01)
    assert tradeoff(front_at(*line), LINEAR).index == 4
    verdict = tradeoff(front_at(*line), LINEAR)
    assert "every move" in verdict.reason
    assert "nearest" not in verdict.reason


def test_tradeoff_takes_of_several_the_nearest_to_the_ideal():
    """Of the fifth and the ninth of twelve, and of the same in the mirror."""
    losses = (2, 7, 8, 10, 13, 20, 27, 28, 34, 49, 50, 56)
    complexities = (59, 56, 54, 46, 39, 35, 27, 26, 14, 13, 10, 4)
    places = list(zip(losses, complexities, strict=True))
    unit = np.array(places, float)
    unit = (unit - unit.min(axis=0)) / np.ptp(unit, axis=0)
    assert standing_out(unit) == [4, 8]
    assert unit[8].sum() < unit[4].sum()
    mirrored = [(x, y) for y, x in places[::-1]]
    for order, at in ((places, 8), (mirrored, 3)):
        verdict = tradeoff(front_at(*order), LINEAR)
        assert verdict.index == at
        assert "nearest to the ideal of 2 such points" in verdict.reason


def test_tradeoff_finds_no_knee_where_nothing_stands_out():
    concave = [(0, 10), (4, 9), (7, 7), (9, 4), (10, 0)]
    straight = [[(i / 7, 10 - i / 3) for i in range(n)] for n in (8, 11, 15)]
    for front in (front_at(*places) for places in (concave, *straight)):
        verdict = tradeoff(front, LINEAR)
        assert verdict.index is None
        assert "stands out" in verdict.reason


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), min_size=3, max_size=12))
def test_tradeoff_always_answers_with_an_inner_point_or_none(places):
    front = front_at(*set(places))
    for terms in (LOG, LINEAR):
        assert tradeoff(front, terms).index in (None, *front.index[1:-1])


def test_tradeoff_leaves_the_process_as_it_was():
    """Its library ignores all warnings from then on, and divides by zero."""
    code = """
import warnings
import numpy as np
from tests.test_knee_rules import LINEAR, LOSS, front_of, tradeoff
warnings.simplefilter("error")
np.seterr(all="raise")
before = list(warnings.filters)
for shape in ("curve", "corner", "dents"):
    tradeoff(front_of(shape, LOSS), LINEAR)
assert warnings.filters == before
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_hypervolume_takes_what_pymoo_says_is_lost_without_it():
    for shape in ("curve", "corner", "dents"):
        front = front_of(shape, LOSS)
        unit = np.log10(front[list(LOSS)].to_numpy())
        unit = (unit - unit.min(axis=0)) / np.ptp(unit, axis=0)
        volume = HV(ref_point=np.array([1.5, 1.2]))
        lost = [volume(unit) - volume(np.delete(unit, at, axis=0)) for at in range(len(unit))]
        best = 1 + int(np.argmax(lost[1:-1]))
        verdict = hypervolume(front, LOG)
        assert verdict.index == front.index[best]
        assert f"({lost[best]:.2%} of the box)" in verdict.reason


def test_hypervolume_finds_no_knee_where_all_add_the_same():
    verdict = hypervolume(front_of("even in logs", LOSS), LOG)
    assert verdict.index is None
    assert "the same area" in verdict.reason


def widest_by_scan(front):
    """Which inner point is best for most weights, evenly in log-odds."""
    log_odds = np.linspace(-30, 30, 60_001)
    losses, complexities = (front[name].to_numpy() for name in ("val_loss", "complexity"))
    sums = losses[:, None] + np.exp(log_odds) * complexities[:, None]
    wins = np.bincount(sums.argmin(axis=0), minlength=len(front))
    corners = np.flatnonzero(wins)
    inner = corners[1:-1]
    return wins, inner


@pytest.mark.parametrize(
    ("places", "knee"),
    [
        ([(0.1, 1000), (0.2, 10), (2, 5)], 1),
        ([(0.1, 1000), (0.11, 900), (0.5, 20), (0.6, 19.9), (9, 18)], 2),
        ([(1, 1000), (2, 400), (3, 2), (500, 1.9), (900, 1.8)], 2),
        ([(1, 100), (2, 99), (3, 50), (4, 48), (5, 1), (90, 0.5)], 4),  # 2nd, 4th are in dents
    ],
)
def test_weight_interval_takes_what_most_weights_agree_on(places, knee):
    front = front_at(*places)
    verdict = weight_interval(front, LINEAR)
    assert verdict.index == knee
    wins, inner = widest_by_scan(front)
    assert inner[wins[inner].argmax()] == knee
    factor = float(verdict.reason.split("factor ")[1].split(" ")[0])
    assert np.log(factor) == pytest.approx(wins[knee] * 0.001, abs=0.01)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 100), st.integers(1, 100)), min_size=3, max_size=8))
def test_weight_interval_agrees_with_a_scan_of_all_weights(places):
    front = front_at(*set(places))
    wins, inner = widest_by_scan(front)
    chosen = weight_interval(front, LINEAR).index
    if len(inner) == 0:
        assert chosen is None
    else:
        position = front.index.get_loc(chosen)
        assert wins[position] >= wins[inner].max() - 2  # to the scan's accuracy


def error_front(*networks):
    """The front of networks, each of its seeds' errors and its nonzeros."""
    runs = (
        {"lam": i / 100, "seed": seed, "val_loss": 0.1, "val_error": error, "nonzeros": nonzeros}
        for i, (errors, nonzeros) in enumerate(networks)
        for seed, error in enumerate(errors)
    )
    return pareto(over_seeds(table(runs)), ERROR)


@pytest.mark.parametrize(
    ("errors", "samples", "chosen", "said"),
    [
        # sqrt(0.01 * 0.99 / 9900) = 0.001
        ((0.01, 0.0109, 0.0111, 0.4), 9900, 1, "1.000% ± 0.100%, n = 9,900 validation images"),
        ((0.01, 0.0109, 0.010999, 0.4), 9900, 2, "± 0.100%"),
        ((0.01, 0.0111, 0.012, 0.4), 9900, 0, "± 0.100%"),
        ((0.01, 0.0105, 0.0106, 0.0107), 9900, 3, "± 0.100%"),  # an extreme
        # no error at all counts as 1/200: 0.005 + sqrt(0.005 * 0.995 / 100) = 0.01205
        ((0.0, 0.01, 0.012, 0.4), 100, 2, "0.500% ± 0.705%"),
        ((0.0, 0.01, 0.0121, 0.4), 100, 1, "0.500% ± 0.705%"),
    ],
)
def test_one_se_by_hand(errors, samples, chosen, said):
    front = error_front(*(((error,), 1000 - 9 * i) for i, error in enumerate(errors)))
    verdict = one_se(front, Terms(ERROR, is_log=False, samples=samples))
    assert verdict.index == front.index[chosen]
    assert said in verdict.reason


def test_one_se_uses_the_spread_of_three_seeds():
    """Errors of 1, 2 and 3 %: a standard deviation of 1 %, a standard error of 0.577 %."""
    seeds = (0.01, 0.02, 0.03)
    terms = Terms(ERROR, is_log=False, samples=10**6)
    front = error_front((seeds, 900), ((0.0257,) * 3, 500), ((0.0258,) * 3, 400))
    verdict = one_se(front, terms)
    assert front.at[verdict.index, "nonzeros"] == 500
    assert "2.000% ± 0.577%, 3 seeds" in verdict.reason
    # two seeds are too few: the million images say 0.012 %
    front = error_front((seeds[:2], 900), ((0.0151,) * 2, 500), ((0.0152,) * 2, 400))
    verdict = one_se(front, terms)
    assert front.at[verdict.index, "nonzeros"] == 500
    assert "1.500% ± 0.012%, n = 1,000,000" in verdict.reason


def test_one_se_always_chooses_where_there_is_a_network():
    terms = Terms(ERROR, is_log=False, samples=100)
    for count in (1, 2):
        front = error_front(*(((0.1 + 0.01 * i,), 900 - i) for i in range(count)))
        assert one_se(front, terms).index == front.index[-1]
    verdict = one_se(front_at(axes=ERROR), terms)
    assert verdict.index is None
    assert "no network" in verdict.reason
