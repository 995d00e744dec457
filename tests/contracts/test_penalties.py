"""Penalties: values, gradients, and no influence of one network on another."""

import math

import pytest
import torch

from paretoprune.pruning.penalties import PENALTIES, group_l1, l1

SHAPES = [(3, 4, 5), (2, 6, 3, 3, 3)]


def weights_of(shape):
    tensor = torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    tensor[:, 1] = 0  # a dead row
    return tensor


@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_gradient_is_that_of_the_value(name, shape):
    kind, weights = PENALTIES[name], weights_of(shape)
    leaf = weights.clone().requires_grad_()
    kind.value(leaf).sum().backward()
    alive = torch.ones(shape, dtype=torch.bool)
    alive[:, 1] = False
    got = kind.gradient(weights)
    torch.testing.assert_close(got[alive], leaf.grad[alive])
    assert got[~alive].abs().max() == 0, "the subgradient at zero"


@pytest.mark.parametrize("name", PENALTIES)
def test_networks_do_not_touch_each_other_and_the_value_is_a_norm(name):
    kind, weights = PENALTIES[name], weights_of(SHAPES[0])
    values = kind.value(weights)
    for index in range(len(weights)):
        alone = weights[index : index + 1]
        torch.testing.assert_close(kind.value(alone), values[index : index + 1])
        torch.testing.assert_close(kind.gradient(alone)[0], kind.gradient(weights)[index])
    torch.testing.assert_close(kind.value(-3 * weights), 3 * values)
    assert kind.value(weights + weights_of((3, 4, 5)).flip(2)).le(2 * values + 1e-9).all()


def test_group_l1_is_the_group_lasso_and_never_below_l1():
    weights = weights_of(SHAPES[1])
    rows = weights.flatten(2)
    expected = (rows.norm(dim=2) * math.sqrt(rows.shape[2])).sum(1)
    torch.testing.assert_close(group_l1(weights), expected)
    assert (group_l1(weights) >= l1(weights)).all()
    even = torch.full((1, 2, 7), 0.3).mul_(torch.tensor([1.0, -1.0]).view(1, 2, 1))
    torch.testing.assert_close(group_l1(even), l1(even))


@pytest.mark.parametrize("kind", PENALTIES)
def test_the_gradient_of_a_complexity_is_its_values(double, kind):
    weights = torch.randn(3, 4, 5).requires_grad_()
    (expected,) = torch.autograd.grad(PENALTIES[kind].value(weights).sum(), weights)
    torch.testing.assert_close(PENALTIES[kind].gradient(weights.detach()), expected)
