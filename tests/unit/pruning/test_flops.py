"""How large a network is: counts by hand, laws over all models, and nothing left behind."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from paretoprune.errors import UsageError
from paretoprune.problem.models import MODELS
from paretoprune.pruning.flops import counts_of, uses_per_weight

SHAPES = {
    "mlp": (1, 28, 28),
    "lenet5": (1, 28, 28),
    "lenet5-caffe": (1, 28, 28),
    "vgg": (3, 32, 32),
}


def encoder(**changes):
    layer = nn.TransformerEncoderLayer(8, 2, 20, batch_first=True, **changes)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)


def pruned(network, share=0.5):
    for tensor in network.parameters():
        tensor.data[torch.rand_like(tensor) < share] = 0
    return network


def test_lenet5_counted_by_hand():
    network = MODELS["lenet5"]((1, 28, 28), 10)
    for tensor in network.parameters():
        nn.init.ones_(tensor)
    network[0].weight.data[0] = 0  # 9 weights at 26 x 26 places
    network[7].weight.data[:2] = 0  # 2 x 400 weights
    network[9].bias.data[5] = 0
    sizes = counts_of(network, (torch.randn(3, 1, 28, 28),))
    weights = (54, 864, 48_000, 10_080, 840)
    places = (26 * 26, 11 * 11, 1, 1, 1)
    dense = 2 * sum(w * p for w, p in zip(weights, places, strict=True))
    assert sizes.parameters == sum(weights) + 6 + 16 + 120 + 84 + 10
    assert sizes.nonzeros == sizes.parameters - 9 - 800 - 1
    assert sizes.neurons == 6 + 16 + 120 + 84 + 10
    assert sizes.dense_flops == dense
    assert sizes.flops == dense - 2 * (9 * 26 * 26 + 800)


def assert_flops_are_positions_times_weights(network, *inputs):
    tensors = dict(network.named_parameters())
    found = uses_per_weight(network, inputs)
    total = sum(2 * times * tensors[name].numel() for name, times in found.items())
    assert counts_of(network, inputs).dense_flops == total
    left = sum(2 * times * int(tensors[name].count_nonzero()) for name, times in found.items())
    assert counts_of(network, inputs).flops == left
    return found


@pytest.mark.parametrize("model", MODELS)
def test_flops_are_positions_times_weights(model):
    network = pruned(MODELS[model](SHAPES[model], 10))
    found = assert_flops_are_positions_times_weights(network, torch.randn(2, *SHAPES[model]))
    assert len(found) == sum(isinstance(one, (nn.Linear, nn.Conv2d)) for one in network)


@pytest.mark.parametrize(
    ("layer", "shape", "places"),
    [
        (nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2), (4, 9, 7), 5 * 4),
        (nn.Conv2d(4, 4, 3, groups=4), (4, 9, 7), 7 * 5),
        (nn.Conv1d(2, 3, 4, dilation=2), (2, 20), 14),
        (nn.Conv3d(1, 2, 2), (1, 4, 5, 6), 3 * 4 * 5),
        (nn.ConvTranspose2d(3, 5, 4, stride=2), (3, 6, 5), 6 * 5),
        (nn.ConvTranspose1d(4, 6, 3, groups=2), (4, 8), 8),
        (nn.Linear(5, 3), (5,), 1),
        (nn.Linear(5, 3), (7, 5), 7),
        (nn.Linear(5, 3), (2, 7, 5), 14),
    ],
    ids=str,
)
def test_places_of_each_kind_of_layer(layer, shape, places):
    network = pruned(nn.Sequential(layer))
    assert assert_flops_are_positions_times_weights(network, torch.randn(3, *shape)) == {
        "0.weight": places
    }


@pytest.mark.parametrize("is_frozen", [False, True])
def test_attention_counts_tokens_and_is_never_fused(is_frozen):
    network = pruned(encoder()).requires_grad_(not is_frozen).eval()
    inputs = (torch.randn(3, 7, 8),)
    with torch.no_grad():  # where a transformer would take its fast path
        found, sizes = uses_per_weight(network, inputs), counts_of(network, inputs)
    names = ("self_attn.in_proj_weight", "self_attn.out_proj.weight")
    names += ("linear1.weight", "linear2.weight")
    assert found == {f"layers.{layer}.{name}": 7 for layer in (0, 1) for name in names}
    tensors = dict(network.named_parameters())
    products = 2 * (2 * 2 * 7 * 7 * 8)  # of queries and keys, of their shares and values
    dense = sum(2 * 7 * tensors[name].numel() for name in found)
    assert sizes.dense_flops == dense + products
    left = sum(2 * 7 * int(tensors[name].count_nonzero()) for name in found)
    assert sizes.flops == left + products
    assert sizes.neurons == 2 * (8 + 20 + 8)
    assert torch.backends.mha.get_fastpath_enabled()


class Crossed(nn.Module):
    def __init__(self, **changes):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True, **changes)

    def forward(self, x, y):
        return self.attention(value=y, key=y, query=x)[0]


def test_attention_between_two_sequences():
    found = uses_per_weight(Crossed(), (torch.randn(3, 4, 8), torch.randn(3, 7, 8)))
    assert found == {
        "attention.in_proj_weight": (4 + 7 + 7) / 3,
        "attention.out_proj.weight": 4,
    }
    own = uses_per_weight(Crossed(kdim=6, vdim=6), (torch.randn(3, 4, 8), torch.randn(3, 7, 6)))
    assert own == {
        "attention.q_proj_weight": 4,
        "attention.k_proj_weight": 7,
        "attention.v_proj_weight": 7,
        "attention.out_proj.weight": 4,
    }


def test_a_shared_tensor_is_stored_once_and_used_twice():
    shared, other = nn.Linear(6, 6), nn.Linear(6, 6)
    other.weight = shared.weight
    network = nn.Sequential(shared, other, shared)
    shared.weight.data[0] = 0
    sizes = counts_of(network, (torch.randn(2, 6),))
    assert uses_per_weight(network, (torch.randn(2, 6),)) == {"0.weight": 3}
    assert sizes.parameters == 36 + 6 + 6
    assert sizes.neurons == 12
    assert (sizes.dense_flops, sizes.flops) == (3 * 72, 3 * (72 - 12))


def test_biases_normalisation_and_embeddings_are_stored_but_cost_no_macs():
    network = nn.Sequential(nn.Embedding(10, 4), nn.LayerNorm(4), nn.Flatten(), nn.Linear(12, 2))
    sizes = counts_of(network, (torch.randint(10, (5, 3)),))
    assert sizes.parameters == 40 + 8 + 24 + 2
    assert sizes.dense_flops == 48


def test_nothing_is_left_behind():
    network = MODELS["vgg"]((3, 32, 32), 10)
    network[2].eval()  # a frozen layer stays frozen
    modes = [module.training for module in network.modules()]
    before = deepcopy(network.state_dict())
    counts_of(network, (torch.randn(4, 3, 32, 32),))
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not any(one._forward_hooks or one._forward_pre_hooks for one in network.modules())
    assert all(tensor.grad is None for tensor in network.parameters())


@pytest.mark.parametrize("inputs", [(torch.randn(4, 5),), (), (torch.randn(4, 6),) * 2])
def test_wrong_inputs_are_named_and_nothing_is_left_behind(inputs):
    network = nn.Sequential(nn.Linear(6, 2))
    with pytest.raises(UsageError, match=r"does not take inputs of shape (\[4, |nothing)"):
        counts_of(network, inputs)
    assert network.training
    assert not network[0]._forward_hooks
    assert torch.backends.mha.get_fastpath_enabled()
