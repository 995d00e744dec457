"""Compacting networks that are no chains: residual ones, transformers, and how far that goes."""

import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from tests.support.compaction import (
    IMAGES,
    TOKENS,
    VECTORS,
    Parts,
    assert_compact_equals_original,
    conv,
    linear,
    shake,
    thin,
)


class Residual(nn.Module):
    """Two blocks with shortcuts, one of them a convolution, as in a ResNet."""

    def __init__(self, act=nn.ReLU, bias=False, padding_mode="zeros"):
        super().__init__()

        def conv(before, after, size=3, stride=1):
            options = {"bias": bias, "padding_mode": padding_mode}
            return nn.Conv2d(before, after, size, stride, size // 2, **options)

        self.stem, self.norm = conv(2, 6), nn.BatchNorm2d(6)
        self.first = nn.Sequential(conv(6, 5), nn.BatchNorm2d(5), act(), conv(5, 6))
        self.short = nn.Sequential(conv(6, 8, 1, 2), nn.BatchNorm2d(8))
        self.second = nn.Sequential(conv(6, 7, 3, 2), act(), conv(7, 8), nn.BatchNorm2d(8))
        self.act, self.pool, self.out = act(), nn.AdaptiveAvgPool2d(1), nn.Linear(8, 3)

    def forward(self, x):
        x = self.act(self.norm(self.stem(x)))
        x = self.act(self.first(x) + x)
        x = self.act(self.second(x) + self.short(x))
        return self.out(torch.flatten(self.pool(x), 1))


shares = st.sampled_from((0.0, 0.3, 0.7, 1.0))


@settings(max_examples=15)
@given(
    act=st.sampled_from((nn.ReLU, nn.ELU, nn.Sigmoid, nn.PReLU)),
    bias=st.booleans(),
    mode=st.sampled_from(("zeros", "reflect")),
    seed=st.integers(0, 2**31),
    dtype=st.sampled_from((torch.float32, torch.float64)),
    rows=shares,
    columns=shares,
)
def test_residual_networks(act, bias, mode, seed, dtype, rows, columns):
    network = thin(shake(Residual(act, bias, mode), seed), seed, 0.2, rows, columns).to(dtype)
    result = assert_compact_equals_original(network, torch.randn(3, 2, 9, 9, dtype=dtype))
    assert result.reason == ""
    if mode != "zeros":
        assert result.unremovable == {}


def test_a_channel_of_a_shortcut_goes_where_all_who_write_or_read_it_allow_that():
    network = shake(Residual(), 1)
    for layer in (network.first[0], network.second[0], network.short[0]):
        layer.weight.data[:, :3] = 0  # readers of the first stream
    network.short[0].weight.data[0, 2] = 1.0  # one reads channel 2
    for layer in (network.short[0], network.second[2]):
        layer.weight.data[4:6] = 0  # writers of the second stream, read by a Linear layer
    network.first[3].weight.data[5] = 0  # one of two writers
    result = assert_compact_equals_original(network, torch.randn(3, 2, 9, 9))
    assert result.removed == {
        "stem": 2,
        "first.3": 2,
        "short.0": 2,
        "second.2": 2,
    }
    assert result.network.norm.num_features == 4


class Classifier(nn.Module):
    """A transformer for sequences."""

    def __init__(self, **changes):
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 20, batch_first=True, **changes)
        self.embed, self.out = nn.Linear(5, 8), nn.Linear(8, 3)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, x):
        return self.out(self.encoder(self.embed(x)).mean(1))


@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("norm_first", [False, True])
def test_transformers_lose_hidden_neurons_of_their_feed_forward_parts(activation, norm_first):
    network = shake(Classifier(activation=activation, norm_first=norm_first), 1)
    for layer in network.encoder.layers:
        layer.linear1.weight.data[:4] = 0
        layer.linear2.weight.data[:, 3:9] = 0
    network.embed.weight.data[0] = 0  # the stream passes LayerNorm: left alone
    result = assert_compact_equals_original(network, torch.randn(3, 7, 5))
    assert result.removed == {f"encoder.layers.{index}.linear1": 9 for index in (0, 1)}
    assert result.reason == ""


def squeeze_and_excite(m, x):
    x = m.a(x)
    share = m.up(m.down(x.mean((2, 3))).relu()).sigmoid()
    return m.out((x * share.view(*share.shape, 1, 1)).mean((2, 3)))


def coupled(m, x):
    """Neurons i and i + 9 of `c` meet neuron i of `a` and of `b`, and these meet each other."""
    a, b = m.a(x), m.b(x)
    return m.out(torch.cat([a, b], 1) + m.c(x)) + m.more(a + b)


FOLLOWED = {
    "functions": (
        Parts(
            lambda m, x: m.out(functional.max_pool2d(m.a(x).tanh(), 2).flatten(1)),
            a=conv(),
            out=linear(36, 3),
        ),
        IMAGES,
        {"a"},
    ),
    "in place": (
        Parts(
            lambda m, x: m.out(m.relu(m.a(x).flatten(1))),
            a=conv(),
            relu=nn.ReLU(inplace=True),
            out=linear(144, 3),
        ),
        IMAGES,
        {"a"},
    ),
    "concatenated images": (
        Parts(
            lambda m, x: m.out(torch.cat([m.a(x), m.b(x)], 1).relu().mean((2, 3))),
            a=conv(),
            b=conv(),
            out=linear(18, 3),
        ),
        IMAGES,
        {"a", "b"},
    ),
    "concatenated vectors": (
        Parts(
            lambda m, x: m.out(torch.cat([m.a(x), m.b(x)], dim=-1).relu()),
            a=linear(),
            b=linear(bias=False),
            out=linear(18, 3),
        ),
        VECTORS,
        {"a", "b"},
    ),
    "neurons that are coupled with others of their layer": (
        Parts(
            coupled, a=linear(), b=linear(), c=linear(5, 18), out=linear(18, 3), more=linear(9, 3)
        ),
        VECTORS,
        {"a", "b", "c"},
    ),
    "squeeze and excite": (
        Parts(squeeze_and_excite, a=conv(), down=linear(9), up=linear(9), out=linear(9, 3)),
        IMAGES,
        {"a", "down", "up"},
    ),
    "scaled shortcut": (
        Parts(
            lambda m, x: m.out(m.a(x).relu() + 0.5 * m.b(x)),
            a=linear(),
            b=linear(),
            out=linear(9, 3),
        ),
        VECTORS,
        {"a", "b"},
    ),
    "mean of tokens": (
        Parts(lambda m, x: m.out(m.a(x).relu().mean(1)), a=linear(), out=linear(9, 3)),
        TOKENS,
        {"a"},
    ),
    "flat tokens beside a chain": (
        Parts(
            lambda m, x: m.out(m.b(m.a(x).relu().flatten(1)).relu()),
            a=linear(),
            b=linear(36),
            out=linear(9, 3),
        ),
        TOKENS,
        {"b"},
    ),
    "one layer grouped": (
        Parts(
            lambda m, x: m.out(m.c(m.b(m.a(x)).relu()).relu().mean((2, 3))),
            a=conv(),
            b=nn.Conv2d(9, 9, 1, groups=9),
            c=nn.Conv2d(9, 9, 1),
            out=linear(9, 3),
        ),
        IMAGES,
        {"c"},
    ),
}


@pytest.mark.parametrize("case", FOLLOWED)
def test_what_lies_between_layers_is_followed(case):
    network, shape, names = FOLLOWED[case]
    network = thin(shake(network, 1), 1, rows=0.5, columns=0.7).double()
    result = assert_compact_equals_original(network, torch.randn(shape, dtype=torch.float64))
    assert set(result.removed) == names
    assert result.reason == ""


def test_several_inputs():
    network = Parts(
        lambda m, x, y: m.out((m.a(x) + m.b(y)).relu()), a=linear(), b=linear(4), out=linear(9, 3)
    )
    thin(shake(network, 1), 1, rows=0.5, columns=0.5)
    result = assert_compact_equals_original(network, torch.randn(3, 5), torch.randn(3, 4))
    assert set(result.removed) == {"a", "b"}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_resnet18(seed):
    """Whole filters are zero; of the streams too, with what normalises them."""
    network = shake(torchvision.models.resnet18(num_classes=10), seed)
    thin(network, seed, single=0, rows=0.3, columns=0.1)
    for layer in (network.layer3, network.layer4):
        for name, module in layer.named_modules():
            if name.endswith(("conv2", "downsample.0")):
                module.weight.data[:20] = 0
            if name.endswith(("bn2", "downsample.1")):
                module.running_mean.data[:20] = 0
                module.bias.data[:20] = 0
    network = network.double()
    x = torch.randn(3, 3, 64, 64, dtype=torch.float64)
    result = assert_compact_equals_original(network, x)
    blocks = [f"layer{layer}.{block}.conv1" for layer in (1, 2, 3, 4) for block in (0, 1)]
    assert set(blocks) <= set(result.removed)
    assert result.removed["layer4.0.conv2"] >= 20
    assert result.removed["layer4.0.conv2"] == result.removed["layer4.0.downsample.0"]
    assert result.network.layer4[1].bn2.num_features == 512 - result.removed["layer4.0.conv2"]
