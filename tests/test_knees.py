"""Knee rules: the contract of all of them, fronts with a known knee, and wishes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretoprune.errors import UsageError
from paretoprune.front import pareto
from paretoprune.knee import DEFAULT_RULE, RULES
from paretoprune.knee.wish import fulfil, parse_wish
from tests.tables import table

chord, weight_interval = RULES["chord"], RULES["weight-interval"]
ALL = pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())


def points_at(places):
    return table(
        {"lam": i / 100, "val_loss": float(loss), "complexity": float(complexity)}
        for i, (loss, complexity) in enumerate(places)
    )


def front_at(*places):
    return pareto(points_at(places))


SAMPLES = {
    "curve": front_at(*((0.01 * 2**i, 1000 / (1 + i) ** 3) for i in range(8))),
    "corner": front_at((0.1, 1000), (0.2, 10), (2, 5)),
    "dents": front_at((0.1, 1000), (0.2, 900), (0.3, 20), (0.5, 15), (0.51, 14), (2, 1)),
}


def assert_scales_are_irrelevant(rule, front):
    verdict = rule(front)
    for of_loss, of_complexity in ((1e6, 1), (1, 1e-6), (1e-3, 1e3), (3.7, 0.21)):
        scaled = front.assign(
            val_loss=front["val_loss"] * of_loss, complexity=front["complexity"] * of_complexity
        )
        assert rule(scaled).index == verdict.index


def assert_labels_are_all_that_is_known(rule, front):
    """The verdict is a label of the front, wherever in the table its rows stood."""
    verdict = rule(front)
    places = front.loc[verdict.index, ["val_loss", "complexity"]]
    shuffled = front.sample(frac=1, random_state=1).reset_index(drop=True)
    again = pareto(shuffled)
    found = rule(again)
    assert again.loc[found.index, ["val_loss", "complexity"]].equals(places)
    assert found.reason == verdict.reason


@ALL
@pytest.mark.parametrize("front", SAMPLES.values(), ids=SAMPLES.keys())
def test_contract(rule, front):
    before = front.copy(deep=True)
    verdict = rule(front)
    assert verdict.reason
    assert type(verdict.index) is int
    assert verdict.index in front.index[1:-1]  # never an extreme
    assert_scales_are_irrelevant(rule, front)
    assert_labels_are_all_that_is_known(rule, front)
    pd.testing.assert_frame_equal(front, before)


def without_a_choice():
    return {
        "no point": points_at([]),
        "one point": front_at((0.1, 10)),
        "two points": front_at((0.1, 10), (1, 5)),
        "two places": front_at((0.1, 10), (0.1, 10), (1, 5), (1, 5)),
        "all equal": front_at(*[(0.1, 10)] * 5),
    }


@ALL
@pytest.mark.parametrize("front", without_a_choice().values(), ids=without_a_choice().keys())
def test_fewer_than_three_places_have_no_knee_and_a_reason(rule, front):
    verdict = rule(front)
    assert verdict.index is None
    assert "two extremes" in verdict.reason


@ALL
def test_one_place_of_many_runs_counts_once(rule):
    once = front_at((0.1, 1000), (0.2, 10), (2, 5))
    twice = front_at(*[(0.1, 1000)] * 2, *[(0.2, 10)] * 2, *[(2, 5)] * 2)
    chosen = twice.loc[rule(twice).index, "val_loss"]
    assert chosen == once.loc[rule(once).index, "val_loss"] == 0.2


@pytest.mark.parametrize("corner", [1, 3, 5, 7])
def test_chord_finds_the_corner_of_two_lines_in_the_logarithms(corner):
    """From (0, 8) down steeply to (1, 2), then flat to (8, 0), or with another corner."""
    steep = np.column_stack([np.linspace(0, 1, corner + 1), np.linspace(8, 2, corner + 1)])
    flat = np.column_stack([np.linspace(1, 8, 9 - corner), np.linspace(2, 0, 9 - corner)])
    front = front_at(*10 ** np.vstack([steep, flat[1:]]))
    assert chord(front).index == corner
    assert "(0.44 of" in chord(front).reason  # (1 - 1/8 - 2/8) / sqrt 2
    assert DEFAULT_RULE == "chord"


def test_chord_finds_no_knee_above_the_chord():
    """Concave in the logarithms; convex and with corners in the values themselves."""
    logs = np.linspace(0, 1, 6)
    front = front_at(*zip(10**logs, 10 ** (1 - logs**2), strict=True))
    assert chord(front).index is None
    assert "below the line" in chord(front).reason
    straight = front_at((0.1, 1000), (1, 100), (10, 10), (100, 1))
    assert chord(straight).index is None


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
    verdict = weight_interval(front)
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
    chosen = weight_interval(front).index
    if len(inner) == 0:
        assert chosen is None
    else:
        position = front.index.get_loc(chosen)
        assert wins[position] >= wins[inner].max() - 2  # to the scan's accuracy


@pytest.mark.parametrize(
    ("text", "is_lower", "quantity", "bound"),
    [
        ("accuracy=0.98", True, "accuracy", 0.98),
        ("accuracy=98%", True, "accuracy", 0.98),
        (" sparsity = .5 ", True, "sparsity", 0.5),
        ("nonzeros=2000", False, "nonzeros", 2000),
        ("nonzeros=2e3", False, "nonzeros", 2000),
        ("l1=1.5E-2", False, "l1", 0.015),
        ("loss=0", False, "loss", 0),
    ],
)
def test_a_wish_is_read(text, is_lower, quantity, bound):
    wish = parse_wish(text, is_lower=is_lower)
    assert (wish.quantity, wish.is_lower, wish.bound) == (quantity, is_lower, bound)


@pytest.mark.parametrize(
    ("text", "is_lower", "said"),
    [
        ("acuracy=0.98", True, "did you mean accuracy"),
        ("nonzero=10", False, "did you mean nonzeros"),
        ("nonzeros=10", True, "accuracy, sparsity"),
        ("", True, "accuracy, sparsity"),
        ("accuracy", True, "accuracy=NUMBER"),
        ("accuracy=", True, "accuracy=NUMBER"),
        ("accuracy=high", True, "accuracy=NUMBER"),
        ("nonzeros=-5", False, "nonzeros=NUMBER"),
        ("nonzeros=nan", False, "nonzeros=NUMBER"),
        ("accuracy=0.9=1", True, "accuracy=NUMBER"),
        ("accuracy=98", True, "between 0 and 1"),
        ("sparsity=101%", True, "between 0 and 1"),
    ],
)
def test_a_bad_wish_is_refused_with_what_to_change(text, is_lower, said):
    option = "--at-least" if is_lower else "--at-most"
    with pytest.raises(UsageError, match=said) as error:
        parse_wish(text, is_lower=is_lower)
    assert option in str(error.value)


NETWORKS = [  # on the front of error and nonzeros, but for the fourth
    {"val_error": 0.01, "nonzeros": 900, "val_loss": 0.05, "l1": 90.0},
    {"val_error": 0.02, "nonzeros": 300, "val_loss": 0.04, "l1": 20.0},
    {"val_error": 0.05, "nonzeros": 100, "val_loss": 0.20, "l1": 30.0},
    {"val_error": 0.05, "nonzeros": 120, "val_loss": 0.18, "l1": 10.0},
    {"val_error": 0.25, "nonzeros": 20, "val_loss": 0.90, "l1": 5.0},
]
POINTS = table({"lam": i / 10, **network} for i, network in enumerate(NETWORKS))


@pytest.mark.parametrize(
    ("text", "is_lower", "label"),
    [
        ("accuracy=0.9", True, 2),  # fewest nonzeros that reach it
        ("accuracy=0.98", True, 1),
        ("accuracy=0.981", True, 0),
        ("accuracy=0", True, 4),
        ("sparsity=0.05", True, 0),  # best accuracy that sparse
        ("sparsity=0.7", True, 1),
        ("sparsity=0.71", True, 2),
        ("sparsity=98%", True, 4),
        ("nonzeros=5000", False, 0),
        ("nonzeros=300", False, 1),
        ("nonzeros=299", False, 2),
        ("nonzeros=20", False, 4),
        ("l1=20", False, 1),
        ("l1=19", False, 3),
        ("loss=0.04", False, 1),  # fewest nonzeros with that loss
        ("loss=0.19", False, 3),
        ("loss=0.5", False, 2),
        ("accuracy=0.95", True, 2),  # met exactly, but for rounding
        ("accuracy=0.99", True, 0),
    ],
)
def test_a_wish_is_fulfilled(text, is_lower, label):
    wish = parse_wish(text, is_lower=is_lower)
    assert fulfil(POINTS, wish) == label
    assert fulfil(POINTS.sample(frac=1, random_state=0), wish) == label


@pytest.mark.parametrize(
    ("text", "is_lower", "nearest"),
    [
        ("accuracy=0.995", True, "0.99"),
        ("sparsity=0.99", True, "0.98"),
        ("nonzeros=19", False, "20"),
        ("l1=4", False, "5"),
        ("loss=0.03", False, "0.04"),
    ],
)
def test_an_unreachable_wish_is_refused_with_the_nearest(text, is_lower, nearest):
    with pytest.raises(UsageError, match=rf"nearest has {nearest} "):
        fulfil(POINTS, parse_wish(text, is_lower=is_lower))


@pytest.mark.parametrize("error", [0.07, 0.02, 0.1, 0.3])
def test_a_wish_that_is_met_exactly_is_met(error):
    points = table([{"val_error": error, "nonzeros": 900, "prunable_weights": 1000}])
    assert fulfil(points, parse_wish(f"accuracy={1 - error:.2f}", is_lower=True)) == 0
    assert fulfil(points, parse_wish("sparsity=0.1", is_lower=True)) == 0


def test_a_wish_needs_a_network():
    with pytest.raises(UsageError, match="no network"):
        fulfil(table([]), parse_wish("accuracy=0.5", is_lower=True))
