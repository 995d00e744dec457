"""Compacting chains of layers: the same function, and as little left as brute force finds."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tests.support.compaction import assert_compact_equals_original, oracle, shake, thin, widths

ACTIVATIONS = (nn.ReLU, nn.ELU, nn.Tanh, nn.Sigmoid, nn.GELU, nn.PReLU, nn.Identity)


def dense_net(act, norm, bias, sizes):
    layers = []
    for before, after in pairwise(sizes[:-1]):
        layers.append(nn.Linear(before, after, bias=bias))
        layers += [nn.BatchNorm1d(after)] if norm else []
        layers += [act(), nn.Dropout(0.5)]
    return nn.Sequential(*layers, nn.Linear(*sizes[-2:], bias=bias))


def image_net(act, norm, bias, pool, padding, mode="zeros"):
    return nn.Sequential(
        nn.Conv2d(2, 5, 3, padding=padding, bias=bias, padding_mode=mode),
        *([nn.BatchNorm2d(5)] if norm else []),
        nn.Sequential(act(), pool),
        nn.Conv2d(5, 6, 3, padding=padding, bias=bias, padding_mode=mode),
        act(),
        *([nn.BatchNorm2d(6, affine=False)] if norm else []),
        nn.Dropout2d(),
        nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten()),
        nn.Linear(24, 7, bias=bias),
        act(),
        nn.Linear(7, 3, bias=bias),
    )


seeds = st.integers(0, 2**31)
shares = st.sampled_from((0.0, 0.2, 0.6, 0.95))
masks = {"single": shares, "rows": shares, "columns": shares}
dtypes = st.sampled_from((torch.float32, torch.float64))
POOLS = (nn.MaxPool2d(2), nn.AvgPool2d(2, padding=1), nn.MaxPool2d(3, 2, 1), nn.ZeroPad2d(1))


@settings(max_examples=25)
@given(
    act=st.sampled_from(ACTIVATIONS),
    norm=st.booleans(),
    bias=st.booleans(),
    seed=seeds,
    dtype=dtypes,
    share=st.fixed_dictionaries(masks),
)
def test_dense_networks_are_compact_as_brute_force_finds(act, norm, bias, seed, dtype, share):
    network = shake(dense_net(act, norm, bias, (6, 8, 7, 9, 3)), seed)
    thin(network, seed, **share).to(dtype)
    result = assert_compact_equals_original(network, torch.randn(5, 6, dtype=dtype))
    assert widths(result.network) == oracle(network)
    assert result.unremovable == {}


@settings(max_examples=25)
@given(
    act=st.sampled_from(ACTIVATIONS),
    norm=st.booleans(),
    bias=st.booleans(),
    pool=st.sampled_from(POOLS[:1] + POOLS[2:3]),
    mode=st.sampled_from(("zeros", "reflect", "circular")),
    seed=seeds,
    dtype=dtypes,
    share=st.fixed_dictionaries(masks),
)
def test_convolutions_without_zero_padding_are_as_brute_force_finds(
    act, norm, bias, pool, mode, seed, dtype, share
):
    network = image_net(act, norm, bias, pool, 0 if mode == "zeros" else 1, mode)
    thin(shake(network, seed), seed, **share).to(dtype)
    result = assert_compact_equals_original(network, torch.randn(3, 2, 12, 12, dtype=dtype))
    assert widths(result.network) == oracle(network)
    assert result.unremovable == {}


@settings(max_examples=25)
@given(
    act=st.sampled_from(ACTIVATIONS),
    norm=st.booleans(),
    bias=st.booleans(),
    pool=st.sampled_from(POOLS),
    padding=st.sampled_from((0, 1, "same")),
    seed=seeds,
    dtype=dtypes,
    share=st.fixed_dictionaries(masks),
)
def test_padding_and_pooling_leave_at_most_what_they_must(
    act, norm, bias, pool, padding, seed, dtype, share
):
    network = image_net(act, norm, bias, pool, padding)
    thin(shake(network, seed), seed, **share).to(dtype)
    result = assert_compact_equals_original(network, torch.randn(3, 2, 12, 12, dtype=dtype))
    found = widths(result.network)
    assert all(a >= b for a, b in zip(found, oracle(network), strict=True))
    assert set(result.unremovable) <= {"0"}  # behind the second convolution all constants move


def test_constants_move_into_a_bias_that_is_made_for_them():
    network = nn.Sequential(nn.Linear(2, 3), nn.Sigmoid(), nn.Linear(3, 2, bias=False)).double()
    network[0].weight.data[1] = 0
    network[0].bias.data[1] = 2.0
    expected = network[2].weight[:, 1] * torch.sigmoid(torch.tensor(2.0, dtype=torch.float64))
    result = assert_compact_equals_original(network, torch.randn(4, 2, dtype=torch.float64))
    torch.testing.assert_close(result.network[2].bias, expected, rtol=0, atol=1e-15)
    assert result.removed == {"0": 1}


def test_no_bias_is_made_for_nothing():
    network = nn.Sequential(nn.Linear(2, 3, bias=False), nn.ReLU(), nn.Linear(3, 2, bias=False))
    network[0].weight.data[1] = 0
    assert assert_compact_equals_original(network, torch.randn(4, 2)).network[2].bias is None


def padded(constants, activation=nn.ReLU):
    """Filters whose weights are zero, before a padded convolution."""
    network = nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1), activation(), nn.Conv2d(6, 4, 3, padding=1)
    )
    for index, value in enumerate(constants):
        network[0].weight.data[index] = 0
        network[0].bias.data[index] = value
    return network.double()


@pytest.mark.parametrize(
    ("constants", "removed", "unremovable"),
    [
        ((-1.0, -2.0), 2, 0),  # behind ReLU these are 0
        ((0.5,), 0, 1),  # the border sees other sums: no bias can do that
        ((-1.0, 0.5), 1, 1),
        ((0.5, 1e-3, 2.0, -1.0), 3, 1),  # one constant channel does the work of all
    ],
)
def test_beside_padding_one_constant_is_stuck(constants, removed, unremovable):
    x = torch.randn(3, 1, 7, 7, dtype=torch.float64)
    result = assert_compact_equals_original(padded(constants), x)
    assert result.removed == ({"0": removed} if removed else {})
    assert result.unremovable == ({"0": unremovable} if unremovable else {})


def test_what_nobody_reads_is_not_stuck():
    network = padded((0.5, 0.7))
    network[2].weight.data[:, 0] = 0
    x = torch.randn(3, 1, 7, 7, dtype=torch.float64)
    result = assert_compact_equals_original(network, x)
    assert (result.removed, result.unremovable) == ({"0": 1}, {"0": 1})


def test_constants_that_differ_by_place_are_stuck_before_a_convolution():
    """Average pooling with zeros at the border."""
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.AvgPool2d(2, padding=1), nn.Conv2d(4, 3, 3))
    network[0].weight.data[1:3] = 0
    result = assert_compact_equals_original(network, torch.randn(3, 1, 8, 8))
    assert (result.removed, result.unremovable) == ({}, {"0": 2})


def test_linear_layers_take_constants_that_differ_by_place():
    """Average pooling with zeros at the border, flattened."""
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.AvgPool2d(2, padding=1), nn.Flatten(), nn.Linear(64, 2)
    ).double()
    network[0].weight.data[1:3] = 0
    x = torch.randn(3, 1, 8, 8, dtype=torch.float64)
    assert assert_compact_equals_original(network, x).removed == {"0": 2}


@pytest.mark.parametrize(
    "network",
    [
        nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3)),  # on tokens
        nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(5), nn.Linear(6, 3)),  # normalises tokens
        nn.Sequential(nn.Linear(4, 6), nn.AvgPool1d(2), nn.Linear(3, 3)),  # mixes neurons
        nn.Sequential(nn.Linear(4, 6), nn.Flatten(), nn.Linear(30, 3)),  # neurons lie apart
        nn.Sequential(nn.Linear(4, 6), nn.PReLU(5), nn.Linear(6, 3)),
        # as many tokens as neurons
        nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Linear(5, 3)),
        nn.Sequential(nn.Linear(4, 5), nn.AvgPool1d(3, 1, 1), nn.Linear(5, 3)),
        nn.Sequential(nn.Linear(4, 5), nn.Flatten(), nn.Linear(25, 3)),
        nn.Sequential(nn.Conv1d(5, 4, 1), nn.Linear(4, 6), nn.Linear(6, 3)),
        nn.Sequential(nn.Linear(4, 6), nn.Conv1d(5, 5, 2), nn.Linear(5, 3)),
        nn.Sequential(nn.Conv1d(5, 6, 1), nn.PReLU(6), nn.MaxPool1d(2), nn.Conv1d(6, 3, 2)),
        nn.Sequential(nn.Conv1d(5, 6, 1), nn.ReLU(True), nn.Flatten(), nn.Linear(24, 3)),
        nn.Sequential(nn.Conv1d(5, 6, 1), nn.Linear(4, 6), nn.Linear(6, 3)),
        nn.Sequential(nn.Conv1d(5, 6, 1), nn.Conv1d(6, 6, 1, groups=2), nn.Conv1d(6, 3, 1)),
        nn.Sequential(
            nn.Conv1d(5, 6, 1),
            nn.BatchNorm1d(6, track_running_stats=False),
            nn.ReLU(),
            nn.Flatten(2),
            nn.Conv1d(6, 3, 1),
        ),
        nn.Sequential(nn.Conv1d(5, 6, 1), nn.Flatten(), nn.BatchNorm1d(24), nn.Linear(24, 3)),
    ],
    ids=lambda network: " ".join(type(layer).__name__ for layer in network),
)
def test_channels_are_where_the_shapes_say(network):
    assert_compact_equals_original(thin(shake(network, 1), 4), torch.randn(3, 5, 4))


def test_tokens_too_lose_their_neurons():
    network = thin(shake(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)), 1), 4)
    result = assert_compact_equals_original(network, torch.randn(3, 5, 4))
    assert widths(result.network) == oracle(network)
    assert result.removed
