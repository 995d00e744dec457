"""From Gram matrices to weights: closed form, degenerate cases, torchjd as the oracle."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchjd.aggregation import MGDA

from paretoprune.training.methods.gradient_weights import (
    NORMALIZERS,
    GradientFacts,
    gram_matrices,
    inner_products,
    min_norm,
    shortest,
)
from paretoprune.training.methods.smgd import NORMALIZE
from paretoprune.training.methods.weighted_sum import weights_of

HALVES = [0.5, 0.5]
INFINITE = math.inf


def gram_of(first, second):
    """The Gram matrix [2, 2] of two vectors, float64."""
    both = torch.tensor(np.array([first, second]), dtype=torch.float64)
    return both @ both.T


def combination(first, second):
    weights = min_norm(gram_of(first, second))
    return weights @ torch.tensor(np.array([first, second]))


def vectors(size=5):
    """Two vectors whose lengths may differ by twelve orders of magnitude."""
    entries = st.lists(st.floats(-1, 1, width=32), min_size=size, max_size=size)
    scale = st.floats(-6, 6).map(lambda power: 10**power)
    one = st.tuples(entries, scale).map(lambda pair: np.array(pair[0]) * pair[1])
    return st.tuples(one, one)


def assert_shortest(first, second):
    """No other convex combination is shorter than ours by more than rounding."""
    length = combination(first, second).norm().item()
    shares = np.concatenate([np.linspace(0, 1, 101), np.geomspace(1e-12, 1, 101)])
    shares = np.concatenate([shares, 1 - shares])[:, None]
    others = np.linalg.norm(shares * first + (1 - shares) * second, axis=1)
    assert length <= others.min() * (1 + 1e-9) + 1e-12


@given(vectors())
def test_no_convex_combination_is_shorter(pair):
    assert_shortest(*pair)


@given(vectors())
def test_as_short_as_torchjds_mgda(pair):
    expected = MGDA(epsilon=1e-12, max_iters=1000)(torch.tensor(np.array(pair))).norm().item()
    ours = combination(*pair).norm().item()
    scale = min(np.linalg.norm(vector) for vector in pair)
    # a Gram matrix tells nearly equal gradients apart to the square root of rounding only
    assert ours <= expected * (1 + 1e-7)
    assert ours == pytest.approx(expected, rel=1e-6, abs=1e-9 * scale)


@pytest.mark.parametrize("power", [-6, -3, 0, 3, 6])
@pytest.mark.parametrize("other_power", [-6, -3, 0, 3, 6])
def test_as_short_as_torchjds_mgda_on_all_scales(power, other_power):
    generator = torch.Generator().manual_seed(power * 100 + other_power)
    for _ in range(20):
        pair = torch.randn(2, 50, generator=generator, dtype=torch.float64)
        pair *= torch.tensor([[10.0**power], [10.0**other_power]])
        expected = MGDA(epsilon=1e-12, max_iters=1000)(pair).norm().item()
        assert combination(*pair.numpy()).norm().item() == pytest.approx(expected, rel=1e-6)


@given(vectors())
def test_weights_are_convex_and_exchanging_the_objectives_exchanges_them(pair):
    weights = min_norm(gram_of(*pair))
    assert ((weights >= 0) & (weights <= 1)).all()
    assert weights.sum().item() == pytest.approx(1)
    torch.testing.assert_close(min_norm(gram_of(*pair[::-1])), weights.flip(0))


@given(vectors(), st.floats(-3, 3))
def test_scaling_both_gradients_changes_nothing(pair, power):
    """Told by the direction: weights of nearly equal gradients are rounding."""
    scale = 10**power
    if min(gram_of(*pair).diagonal().tolist()) > 1e-20:  # or else a product underflows
        here, there = combination(*pair), combination(*(vector * scale for vector in pair))
        shorter, longer = sorted(np.linalg.norm(vector) for vector in pair)
        near = 1e-7 * shorter + 1e-14 * longer
        torch.testing.assert_close(there / scale, here, rtol=1e-5, atol=near)


@pytest.mark.parametrize("power", [-80, -40, 40, 80])
def test_weights_do_not_depend_on_the_unit_of_the_gradients(power):
    """Exactly, for powers of two: no threshold decides when gradients count as equal."""
    gram = gram_of([1.0, 2.0, 0.5], [0.5, -1.0, 3.0])
    assert torch.equal(min_norm(gram * 2.0**power), min_norm(gram))


@given(vectors())
def test_the_direction_is_no_ascent_for_either_objective(pair):
    direction = combination(*pair)
    squared = (direction @ direction).item()
    for vector in pair:
        inner = (direction @ torch.tensor(vector)).item()
        assert inner >= squared - 1e-9 * max(squared, np.linalg.norm(vector) ** 2)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([1.0, 0.0], [0.0, 1.0], HALVES),
        ([1.0, 0.0], [0.0, 3.0], [0.9, 0.1]),
        ([1.0, 0.0], [2.0, 0.0], [1.0, 0.0]),  # the shorter of two that agree
        ([3.0, 1.0], [1.0, 0.0], [0.0, 1.0]),
        ([1.0, 2.0], [1.0, 2.0], HALVES),  # equal
        ([0.0, 0.0], [0.0, 0.0], HALVES),  # both zero
        ([0.0, 0.0], [1.0, 2.0], [1.0, 0.0]),  # a zero gradient: nothing is to be gained
        ([1.0, 2.0], [0.0, 0.0], [0.0, 1.0]),
        ([1.0, 0.0], [-3.0, 0.0], [0.75, 0.25]),  # opposite: the combination is zero
    ],
)
def test_by_hand(first, second, expected):
    assert min_norm(gram_of(first, second)).tolist() == pytest.approx(expected)


def test_of_two_that_rounding_cannot_tell_apart_the_shorter_gets_all():
    inner, shorter = 1 - 2.0**-52, 1 - 2.0**-51
    gram = torch.tensor([[1.0, inner], [inner, shorter]], dtype=torch.float64)
    assert min_norm(gram).tolist() == [0.0, 1.0]
    assert min_norm(gram.flip(0, 1)).tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("gram", "expected"),
    [
        ([[INFINITE, 1.0], [1.0, 2.0]], [0.0, 1.0]),
        ([[2.0, -INFINITE], [-INFINITE, INFINITE]], [1.0, 0.0]),
        ([[INFINITE, INFINITE], [INFINITE, INFINITE]], HALVES),
        ([[math.nan, math.nan], [math.nan, 1.0]], [0.0, 1.0]),
    ],
)
def test_an_infinite_gradient_gets_nothing_its_limit(gram, expected):
    assert min_norm(torch.tensor(gram)).tolist() == expected
    lengths = [1e3, 1e6, 1e9]
    shares = [min_norm(gram_of([length, 1.0], [1.0, 1.0]))[0].item() for length in lengths]
    assert shares == sorted(shares, reverse=True)


def test_a_small_weight_keeps_its_digits_in_float32():
    gram = gram_of([1e-3, 0.0], [0.0, 240.0])
    exact = min_norm(gram)[1].item()
    assert min_norm(gram.float())[1].item() == pytest.approx(exact, rel=1e-6)
    assert exact == pytest.approx(1e-6 / 240**2)


def test_networks_and_blocks_do_not_touch_each_other():
    pairs = [([1.0, 0.0], [0.0, 3.0]), ([INFINITE, 0.0], [0.0, 1.0]), ([1.0, 0.0], [-3.0, 0.0])]
    alone = torch.stack([gram_of(*pair) for pair in pairs])
    together = torch.stack((alone, alone.flip(0)), dim=1)  # [3, 2 blocks, 2, 2]
    for number, pair in enumerate(pairs):
        torch.testing.assert_close(min_norm(together)[number, 0], min_norm(gram_of(*pair)))
        torch.testing.assert_close(min_norm(together)[2 - number, 1], min_norm(gram_of(*pair)))


# --- what a step asks


def objectives(gram, values=((1.0, 1.0),)):
    """One network with one block."""
    return GradientFacts(
        gram=lambda: gram.view(1, 1, 2, 2),
        values=lambda: torch.tensor(values).view(1, 1, 2),
    )


def test_the_weights_of_a_weighted_sum():
    assert weights_of(torch.tensor([0.0, 0.25])).tolist() == [[[1.0, 0.0]], [[0.75, 0.25]]]


def test_the_table_of_normalizations_is_what_settings_offer():
    assert tuple(NORMALIZERS) == NORMALIZE


@pytest.mark.parametrize("normalize", NORMALIZERS)
@given(pair=vectors(), value=st.floats(1e-6, 1e6))
def test_a_methods_weights_are_convex(normalize, pair, value):
    weights = shortest(normalize)(objectives(gram_of(*pair), ((1.0, value),)))
    assert weights.shape == (1, 1, 2)
    assert (weights >= 0).all()
    assert weights.sum().item() == pytest.approx(1)


def direction_of(normalize, first, second, values=((1.0, 1.0),)):
    weights = shortest(normalize)(objectives(gram_of(first, second), values))
    return weights[0, 0] @ torch.tensor(np.array([first, second]))


def assert_parallel(one, other):
    torch.testing.assert_close(one / one.norm(), other / other.norm())


def test_l2_halves_the_angle():
    first, second = np.array([3.0, 0.0, 1.0]), np.array([0.0, 400.0, 10.0])
    unit = first / np.linalg.norm(first), second / np.linalg.norm(second)
    assert min_norm(gram_of(*unit)).tolist() == pytest.approx(HALVES)
    assert_parallel(direction_of("l2", first, second), torch.tensor(unit[0] + unit[1]))


@pytest.mark.parametrize("loss", [0.5, 1e-4])
def test_loss_takes_the_gradients_of_the_logarithms(loss):
    first, second = np.array([3.0, 0.0, 1.0]), np.array([0.0, 400.0, 10.0])
    expected = combination(first / loss, second / 2000)
    assert_parallel(direction_of("loss", first, second, ((loss, 2000.0),)), expected)


def test_an_infinite_objective_does_not_divide():
    weights = shortest("loss")(objectives(torch.eye(2), ((INFINITE, 1.0),)))
    assert weights.tolist() == [[HALVES]]


def test_squares_do_not_overflow_in_float32():
    """Divided by small losses, lengths leave the range of float32; the weights do not."""
    gram = torch.tensor([[1e18, 0.0], [0.0, 1e6]])
    weights = shortest("loss")(objectives(gram, ((1e-15, 1.0),)))
    assert 0 < weights[0, 0, 0] < 1e-20


@pytest.mark.parametrize("normalize", NORMALIZERS)
def test_a_zero_gradient_leaves_nothing_to_do(normalize):
    """Where every prunable weight is zero the complexity is at its minimum."""
    direction = direction_of(normalize, [1.0, 2.0], [0.0, 0.0], ((0.3, 0.0),))
    assert direction.tolist() == [0.0, 0.0]


def test_gram_matrices_by_hand():
    losses = [torch.tensor([[1.0, 2.0]]), torch.tensor([[[3.0]]])]  # K = 1
    penalties = [torch.tensor([[1.0, -1.0]]), None]
    assert gram_matrices(losses, penalties, [0, 0]).tolist() == [[[[14.0, -1.0], [-1.0, 2.0]]]]
    apart = [[[[5.0, -1.0], [-1.0, 2.0]], [[9.0, 0.0], [0.0, 0.0]]]]
    assert gram_matrices(losses, penalties, [0, 1]).tolist() == apart


def test_gram_matrices_are_each_networks_own():
    one, other = torch.randn(3, 4, 5), torch.randn(3, 4, 5)
    expected = (one * other).sum((1, 2))
    torch.testing.assert_close(inner_products(one, other), expected)
    together = gram_matrices([one], [other], [0])
    for index in range(3):
        alone = gram_matrices([one[index, None]], [other[index, None]], [0])
        torch.testing.assert_close(together[index, None], alone)
