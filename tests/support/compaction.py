"""Networks to be compacted, and the laws that hold for each of them."""

from copy import deepcopy

import torch
from torch import nn

from paretoprune.pruning.compaction import compact
from paretoprune.pruning.flops import counts_of

WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d)
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-9}


def shake(network, seed):
    """Random numbers everywhere, so that no constant is 0 and no statistics are trivial."""
    generator = torch.Generator().manual_seed(seed)
    for tensor in (*network.parameters(), *network.buffers()):
        if tensor.is_floating_point():
            tensor.data.normal_(generator=generator)
            if tensor.dim() == 1 and seed % 2:
                tensor.data.abs_()
    for layer in network.modules():
        if getattr(layer, "running_var", None) is not None:
            layer.running_var.abs_().add_(0.5)
        if isinstance(layer, WEIGHTED):
            layer.weight.data /= layer.weight[0].numel() ** 0.5
    return network


def thin(network, seed, single=0.3, rows=0.3, columns=0.3):
    """Zero single weights, whole neurons and what is read of whole neurons."""
    generator = torch.Generator().manual_seed(seed)

    def drawn(count, share):
        return torch.rand(count, generator=generator) < share

    for layer in network.modules():
        if isinstance(layer, WEIGHTED):
            weight = layer.weight.data
            weight[drawn(weight.shape, single)] = 0
            weight[drawn(len(weight), rows)] = 0
            weight[:, drawn(weight.shape[1], columns)] = 0
    return network


def assert_compact_equals_original(network, *inputs):
    """The law; also: the argument is unaltered, attributes fit, and there is nothing more to do."""
    before = deepcopy(network)
    result = compact(network, inputs)
    assert_unaltered(network, before)
    assert not result.network.training
    others = [torch.randn_like(one) if one.is_floating_point() else one for one in inputs]
    for tried in (inputs, others):
        expected, got = before.eval()(*tried), result.network(*tried)
        assert got.dtype == expected.dtype
        scale = max(1.0, expected.abs().max().item())
        torch.testing.assert_close(got, expected, rtol=0, atol=TOLERANCE[got.dtype] * scale)
    assert_attributes_fit(result.network)
    again = compact(result.network, inputs)
    assert again.removed == {}
    assert again.unremovable == result.unremovable
    small, large = counts_of(result.network, inputs), counts_of(network, inputs)
    assert small.flops <= large.flops
    assert small.neurons == large.neurons - sum(result.removed.values())
    return result


def assert_unaltered(network, before):
    assert [one.training for one in network.modules()] == [one.training for one in before.modules()]
    assert not any(one._forward_hooks or one._forward_pre_hooks for one in network.modules())
    states = network.state_dict(), before.state_dict()
    assert states[0].keys() == states[1].keys()
    for name, value in states[0].items():
        torch.testing.assert_close(value, states[1][name], rtol=0, atol=0, equal_nan=True)
    for one, other in zip(network.parameters(), before.parameters(), strict=True):
        assert one.requires_grad == other.requires_grad
        assert one.grad is other.grad is None


def assert_attributes_fit(network):
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            assert layer.weight.shape == (layer.out_features, layer.in_features)
        elif isinstance(layer, (nn.Conv1d, nn.Conv2d)):
            shape = (layer.out_channels, layer.in_channels // layer.groups)
            assert layer.weight.shape[:2] == shape
        elif isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)):
            tensors = [layer.weight, layer.bias, layer.running_mean, layer.running_var]
            assert all(len(one) == layer.num_features for one in tensors if one is not None)


def widths(network):
    return [len(one.weight) for one in network.modules() if isinstance(one, WEIGHTED)]


class Parts(nn.Module):
    """Some layers, and a forward pass that calls them."""

    def __init__(self, forward, **layers):
        super().__init__()
        self.pass_ = forward
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, *inputs):
        return self.pass_(self, *inputs)


def linear(before=5, after=9, **options):
    return nn.Linear(before, after, **options)


def conv(before=2, after=9, **options):
    return nn.Conv2d(before, after, 3, **options)


IMAGES, VECTORS, TOKENS = (3, 2, 6, 6), (3, 5), (3, 4, 5)


def oracle(network):
    """Widths by brute force: a neuron lives on a path of nonzero weights from input to output.

    Each layer keeps one. Right where every constant can be moved.
    """
    layers = [one.weight.detach() for one in network.modules() if isinstance(one, WEIGHTED)]
    links, width = [], None
    for weight in layers:  # [out, in]: whether one is read by the other
        link = weight.flatten(2).ne(0).any(2) if weight.dim() > 2 else weight.ne(0)
        links.append(link if width is None else link.view(len(link), width, -1).any(2))
        width = len(link)
    reached, needed = [], []
    alive = torch.ones(links[0].shape[1], dtype=torch.bool)
    for link in links:
        alive = link[:, alive].any(1)
        reached.append(alive)
    alive = torch.ones(width, dtype=torch.bool)
    for link in reversed(links[1:]):
        alive = link[alive].any(0)
        needed.insert(0, alive)
    hidden = [max(1, int((r & n).sum())) for r, n in zip(reached, needed, strict=False)]
    return [*hidden, width]
