"""The default knee: where it lies, by calculus, and what does not move it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretoprune.analysis.knee import DEFAULT_RULE, RULES, AxesSpec
from paretoprune.analysis.knee.axes import AXES_OF
from paretoprune.analysis.pareto import pareto
from tests.support.fronts import LOSS, front_at, front_of
from tests.support.tables import CONSTANT_LOSS, PRUNABLE

TERMS = AxesSpec(constant_loss=CONSTANT_LOSS)
STEP = 1.25  # between neighbours in complexity
SIZES = 1000 / STEP ** np.arange(28)

balance = RULES["balance"].rule
curves = st.tuples(st.floats(0.01, 0.2), st.floats(0.2, 5.0), st.floats(0.7, 2.0))


def loss_at(sizes, curve):
    """A loss that nothing gets below, and what too few weights add."""
    least, scale, power = curve
    return least + scale / np.asarray(sizes) ** power


def front_along(sizes, curve):
    """The front of networks along the curve, as far as they are better than the constant one."""
    losses = loss_at(sizes, curve)
    keep = losses < CONSTANT_LOSS
    columns = {"val_loss": losses[keep], "complexity": sizes[keep]}
    return pd.DataFrame(columns).assign(prunable_weights=PRUNABLE, run_id="")


def size_of(front):
    """The complexity of what is chosen."""
    index = balance(front, TERMS).index
    return None if index is None else float(front.at[index, "complexity"])


def test_it_is_the_default():
    assert DEFAULT_RULE == "balance"


@settings(max_examples=40)
@given(curves)
def test_it_lies_where_a_share_of_the_loss_costs_a_share_of_the_weights(curve):
    """Along L = least + scale * c^-power: -d log L / d log c = log(constant / best) / log(all)."""
    front = front_along(SIZES, curve)
    price = np.log(CONSTANT_LOSS / front["val_loss"].min()) / np.log(PRUNABLE)
    least, scale, power = curve
    # power * excess / (least + excess) = price
    excess = price * least / (power - price) if power > price else np.inf
    size = np.clip((scale / excess) ** (1 / power), front["complexity"].min(), 1000.0)
    assert size_of(front) == pytest.approx(size, rel=STEP - 1)


@settings(max_examples=40)
@given(curves, st.integers(1, 5))
def test_without_the_dense_or_the_sparse_end_it_moves_by_one_point_at_most(curve, gone):
    front = front_along(SIZES, curve)
    size = size_of(front)
    for shorter in (front.iloc[gone:], front.iloc[:-gone]):
        inner = shorter["complexity"].iloc[1:-1].to_list()
        if size in inner[1:-1]:
            assert size_of(shorter) == pytest.approx(size, rel=1.001 * (STEP - 1))


@settings(max_examples=40)
@given(curves)
@pytest.mark.slow
def test_more_points_along_the_same_curve_do_not_move_it(curve):
    """However they are spread: four times as many everywhere, or at one end alone."""
    front = front_along(SIZES, curve)
    size = size_of(front)
    finer = 1000 / STEP ** np.arange(0, 27.01, 0.25)
    for sizes in (finer, np.union1d(SIZES, finer[:40]), np.union1d(SIZES, finer[-40:])):
        again = size_of(front_along(np.sort(sizes)[::-1], curve))
        assert again == pytest.approx(size, rel=1.001 * (STEP - 1))


def test_dominated_networks_have_no_say():
    scaled_points = [(0.05 + 1 / size, size) for size in SIZES[:20]]
    worse = [(1.5 * loss, size) for loss, size in scaled_points]
    assert (
        size_of(front_at(*scaled_points, *worse)) == size_of(front_at(*scaled_points)) is not None
    )


@pytest.mark.parametrize(
    ("power", "at", "said"),
    [(0.1, 8, "the smallest network still saves"), (3.0, 0, "smaller networks save less")],
    ids=["cheap", "dear"],
)
def test_where_the_price_is_right_nowhere_an_end_is_chosen_and_the_answer_says_why(power, at, said):
    """Straight lines in the logarithms, flatter and steeper than the even price."""
    scaled_points = [(0.01 * 1.1**i, 900 / 1.1 ** (i / power)) for i in range(9)]
    result = balance(front_at(*scaled_points), TERMS)
    assert result.index == at
    assert said in result.reason


def test_a_loss_of_zero_and_a_network_of_no_weights_are_no_cliffs():
    """They count as half an image's, and as one weight's."""
    scaled_points = [(0.03 + 3 / size, size) for size in SIZES[:20]]
    axes = ("val_loss", "nonzeros")
    spec = AxesSpec(axes, samples=100, constant_loss=CONSTANT_LOSS)
    fronts = (
        front_at(*more, *scaled_points, axes=axes) for more in ([], [(0.0, 1250)], [(2.2, 0)])
    )
    chosen = [front.at[balance(front, spec).index, "nonzeros"] for front in fronts]
    assert chosen[1:] == pytest.approx([chosen[0]] * 2, rel=STEP**3 - 1)


def test_an_end_beyond_which_nothing_pays_does_not_promise_more():
    """The even price is crossed between the last two: the front need not go on."""
    price = np.log(CONSTANT_LOSS / 0.03) / np.log(PRUNABLE)
    size = 3 * (1 - price) / (price * 0.03)  # of 3 / size = price * 0.03 / (1 - price)
    sizes = [size * STEP**power for power in (4, 3, 2, 1, -0.2)]
    front = front_along(np.array(sizes), (0.03, 3.0, 1.0))
    result = balance(front, TERMS)
    assert result.index == front.index[-1]
    assert "smaller networks save less" in result.reason


@pytest.mark.parametrize("seed", range(5))
def test_noise_moves_it_by_a_point_or_two(seed):
    """Validation losses that scatter by 3 %, as those of MNIST do between seeds."""
    front = front_along(SIZES, (0.03, 3.0, 1.0))
    noise = np.exp(0.03 * np.random.default_rng(seed).standard_normal(len(front)))
    noisy = pareto(front.assign(val_loss=front["val_loss"] * noise), LOSS)
    assert size_of(noisy) == pytest.approx(size_of(front), rel=STEP**2 - 0.99)


def test_its_reason_names_the_price():
    """As many times the least loss as there are weights: one to one."""
    front = front_at((1e-3, 900.0), (2e-3, 100.0), (2e-2, 50.0)).assign(prunable_weights=PRUNABLE)
    result = balance(front, AxesSpec(constant_loss=1e-3 * PRUNABLE))
    assert "1 % of the complexity for 1 % of the loss" in result.reason


def test_balance_asks_how_much_of_the_whole_networks_flops_is_left():
    """The same places cost another price where there is more to save."""
    front = front_of("curve", AXES_OF["loss,flops"])
    spec = AxesSpec(AXES_OF["loss,flops"], constant_loss=1e3)
    price = np.log(1e3 / front["val_loss"].min()) / np.log(front["dense_flops"].max())
    assert f"{1 / price:.2g} % of the FLOPs for 1 % of the loss" in balance(front, spec).reason
    larger = balance(front.assign(dense_flops=1e30), spec)
    assert larger.reason != balance(front, spec).reason
