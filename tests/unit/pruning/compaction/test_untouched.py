"""What compacting must leave alone, and what it says of networks that it cannot follow."""

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import prune

from paretoprune.errors import CouldNotError, UsageError
from paretoprune.pruning.compaction import compact
from tests.support.compaction import (
    VECTORS,
    Parts,
    assert_compact_equals_original,
    linear,
    shake,
    thin,
)


@pytest.mark.parametrize(
    "between",
    [
        (nn.LayerNorm(6),),
        (nn.Softmax(1),),
        (nn.ReLU(), nn.Unflatten(1, (2, 3)), nn.Flatten()),
        (nn.Unflatten(1, (2, 3)), nn.Softmax(2), nn.Flatten()),
        (nn.Unflatten(1, (1, 6)), nn.AvgPool1d(3, 1, 1), nn.Flatten()),
    ],
)
def test_pairs_with_something_unknown_between_are_left_alone(between):
    network = nn.Sequential(nn.Linear(3, 6), *between, nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2))
    network[0].weight.data[:2] = 0
    network[-3].weight.data[:, 2] = 0
    network[-3].weight.data[0] = 0
    result = assert_compact_equals_original(network, torch.randn(4, 3))
    assert result.removed == {str(len(between) + 1): 1}


def test_a_layer_that_runs_twice_is_left_alone():
    twice = nn.Linear(6, 6)
    network = nn.Sequential(nn.Linear(6, 6), nn.ReLU(), twice, nn.ReLU(), twice, nn.Linear(6, 2))
    assert assert_compact_equals_original(thin(network, 1), torch.randn(4, 6)).removed == {}


@pytest.mark.parametrize("is_chain", [False, True])
def test_shared_weights_are_left_alone(is_chain):
    one, between, other, last = (nn.Linear(6, 6) for _ in range(4))
    other.weight = one.weight
    between.weight.data[0] = 0  # its constant would leave zeros in both that share
    network = nn.Sequential(one, nn.ReLU(), between, nn.ReLU(), other, nn.ReLU(), last)
    if not is_chain:
        network = Parts(lambda m, x: m.chain(x).relu(), chain=network)
    assert assert_compact_equals_original(network, torch.randn(4, 6)).removed == {}


def test_layers_whose_weights_are_computed_are_left_alone():
    network = nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 2))
    nn.utils.parametrizations.weight_norm(network[2])
    network[0].weight.data[1] = 0
    network[4].weight.data[:, 1] = 0
    x = torch.randn(4, 6)
    result = compact(network, (x,))
    torch.testing.assert_close(result.network(x), network.eval()(x))
    assert result.removed == {}


def test_masks_of_torch_are_left_alone_until_they_are_permanent():
    network = nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 2))
    prune.ln_structured(network[0], "weight", amount=2, n=1, dim=0)
    x = torch.randn(4, 6)
    with torch.no_grad():
        expected = network(x)
        result = compact(network, (x,))
        torch.testing.assert_close(result.network(x), expected)
    assert result.removed == {}
    prune.remove(network[0], "weight")
    assert assert_compact_equals_original(network, x).removed == {"0": 2}


def test_frozen_numbers_stay_frozen():
    network = thin(nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 2)), 1)
    network[0].requires_grad_(False)
    result = assert_compact_equals_original(network, torch.randn(4, 6))
    flags = {name: one.requires_grad for name, one in result.network.named_parameters()}
    assert flags == {"0.weight": False, "0.bias": False, "2.weight": True, "2.bias": True}


def own_weights(m, x):
    """A layer that standardises its weights: a zero is none."""
    weight = m.b.weight - m.b.weight.mean(1, keepdim=True)
    return m.out(functional.linear(m.a(x).relu(), weight).relu())


def with_itself(neurons, joined):
    return neurons + joined(neurons, -1, keepdim=True)


def twice(batch):
    return torch.cat([batch, -batch])


LEFT_ALONE = {
    "softmax of neurons": (lambda m, x: m.out(m.b(m.a(x).softmax(1)).softmax(1)), VECTORS),
    "norm of neurons": (lambda m, x: m.out(functional.layer_norm(m.a(x), (9,))), VECTORS),
    "sum of neurons": (lambda m, x: m.out(with_itself(m.a(x), torch.sum)), VECTORS),
    "mean of neurons": (lambda m, x: m.out(with_itself(m.a(x), torch.mean)), VECTORS),
    "two batches": (lambda m, x: m.out(twice(m.a(x))).unflatten(0, (2, -1)).mean(0), VECTORS),
    "a layer that runs twice": (lambda m, x: m.out(m.b(m.b(m.a(x)).relu()).relu()), VECTORS),
    "the input itself": (lambda m, x: m.out(m.a(x).relu() + x[:, :1] * torch.ones(9)), VECTORS),
    "a tensor of its own": (lambda m, x: m.out(m.a(x) + torch.arange(9.0)), VECTORS),
    "computed weights": (own_weights, VECTORS),
    "order of neurons": (lambda m, x: m.out(m.a(x).flip(1)), VECTORS),
    "half of the neurons": (lambda m, x: m.out(m.a(x)[:, :5].repeat(1, 2)[:, :9]), VECTORS),
    "tokens for neurons": (
        lambda m, x: m.out(m.b(m.a(x).transpose(1, 2).relu()).flatten(1)[:, :9]),
        (3, 9, 5),
    ),
    "without gradients": (lambda m, x: m.out(m.a(x).detach().relu()), VECTORS),
    "sorted neurons": (lambda m, x: m.out(m.a(x).sort(1).values), VECTORS),
}


@pytest.mark.parametrize("case", LEFT_ALONE)
def test_what_is_not_known_is_left_alone_and_nothing_else(case):
    forward, shape = LEFT_ALONE[case]
    layers = {"a": linear(), "b": linear(9), "out": linear(9, 9), "last": linear(9, 3)}
    network = Parts(lambda m, x: m.last(forward(m, x).relu()), **layers)
    thin(shake(network, 1), 1, rows=0.5, columns=0.5)
    result = assert_compact_equals_original(network, torch.randn(shape))
    assert set(result.removed) == {"out"}
    assert result.reason == ""


def test_hidden_neurons_that_are_outputs_too_are_left_alone():
    def forward(m, x):
        hidden = m.a(x).relu()
        return {"logits": m.out(m.b(hidden).relu()), "more": [hidden]}

    network = Parts(forward, a=linear(), b=linear(9), out=linear(9, 3))
    thin(shake(network, 1), 1, rows=0.5, columns=0.5)
    x = torch.randn(VECTORS)
    result, expected = compact(network, (x,)), network(x)
    assert set(result.removed) == {"b"}
    got = result.network(x)
    torch.testing.assert_close(got["logits"], expected["logits"], rtol=0, atol=1e-5)
    assert torch.equal(got["more"][0], expected["more"][0])


def test_a_network_that_cannot_be_followed_comes_back_unchanged_with_the_reason():
    network = Parts(
        lambda m, x: m.out(m.a(x).relu()).detach(), a=linear(), out=linear(9, 3)
    ).train()
    network.a.weight.data[:3] = 0
    result = assert_compact_equals_original(network, torch.randn(VECTORS))
    assert result.removed == {}
    assert "could not be followed" in result.reason
    assert "\n" not in result.reason


def test_a_network_that_would_compute_something_else_comes_back_unchanged():
    network = Parts(
        lambda m, x: m.out(m.a(x).relu()) * len(m.a.weight), a=linear(), out=linear(9, 3)
    )
    network.a.weight.data[:3] = 0
    result = assert_compact_equals_original(network, torch.randn(VECTORS))
    assert "computed something else" in result.reason
    assert torch.equal(result.network.a.weight, network.a.weight)
    assert torch.equal(result.network.out.weight, network.out.weight)


def test_inputs_that_do_not_fit_are_the_users_mistake():
    graph = Parts(lambda m, x: m.out(m.a(x)), a=linear(), out=linear(9, 3))
    for network in (graph, nn.Sequential(linear(), linear(9, 3))):
        with pytest.raises(UsageError, match="does not take inputs of shape"):
            compact(network, (torch.randn(3, 7),))


def test_a_network_that_cannot_be_copied_is_named():
    network = nn.Sequential(linear(), linear(9, 3))
    network[0].file = open(__file__)  # noqa: PTH123, SIM115
    with network[0].file, pytest.raises(CouldNotError, match="cannot be copied"):
        compact(network, (torch.randn(VECTORS),))
