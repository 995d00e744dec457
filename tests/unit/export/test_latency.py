"""How long networks take, and whether zeros are skipped; no test asks how fast this machine is."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from paretoprune.errors import CouldNotError
from paretoprune.export import Latency, measure, with_csr
from paretoprune.export.csr import SparseLinear
from paretoprune.problem.models import MODELS

SHORT = 0.01  # seconds


class Counting(nn.Module):
    """Notes who was called, in which mode, with how many samples."""

    def __init__(self, name, calls):
        super().__init__()
        self.name, self.calls, self.layer = name, calls, nn.Linear(3, 3)

    def forward(self, x, *others):
        mode = self.training or self.layer.training or torch.is_grad_enabled()
        self.calls.append((self.name, mode, len(x), *(len(other) for other in others)))
        return self.layer(x)


def mlp(share):
    """LeNet-300-100 with a share of its dense weights left."""
    torch.manual_seed(0)
    network = MODELS["mlp"]((1, 28, 28), 10)
    return pruned(network, share)


def pruned(network, share):
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            with torch.no_grad():
                layer.weight *= torch.rand_like(layer.weight) < share
    return network


def sparse_layers(network):
    return [name for name, layer in network.named_modules() if isinstance(layer, SparseLinear)]


def test_every_network_is_timed_at_every_batch():
    networks = {"dense": mlp(0.01), "sparse": with_csr(mlp(0.01))}
    found = measure(networks, (torch.randn(3, 1, 28, 28),), (1, 8), seconds=SHORT)
    assert [(each.network, each.batch) for each in found] == [
        ("dense", 1),
        ("sparse", 1),
        ("dense", 8),
        ("sparse", 8),
    ]
    for each in found:
        assert isinstance(each, Latency)
        assert 0 < each.low <= each.median <= each.high
        assert each.n >= 7
    assert found[0].n == found[1].n


def test_one_and_64_samples_are_the_batches():
    calls = []
    found = measure({"one": Counting("one", calls)}, (torch.randn(5, 3),), seconds=0)
    assert [each.batch for each in found] == [1, 64]
    assert {samples for *_, samples in calls} == {1, 64}


def test_networks_take_turns_in_at_least_seven_rounds():
    calls = []
    networks = {name: Counting(name, calls) for name in "ab"}
    found = measure(networks, (torch.randn(4, 3),), (2,), seconds=0)
    assert [each.n for each in found] == [7, 7]
    names = "".join(name for name, *_ in calls)
    assert names == "ab" + 7 * "aabb"  # the first of two fills the caches


def test_networks_are_timed_in_evaluation_and_come_back_as_they_were():
    calls = []
    network = Counting("one", calls)
    network.layer.eval()
    measure({"one": network}, (torch.randn(4, 3),), (2,), seconds=0)
    assert {mode for _, mode, _ in calls} == {False}
    assert network.training
    assert not network.layer.training


def test_samples_are_repeated_for_every_input_that_has_them():
    calls = []
    inputs = torch.randn(3, 3), torch.arange(3), torch.tensor([7, 7])
    measure({"one": Counting("one", calls)}, inputs, (1, 5), seconds=0)
    assert {tuple(lengths) for _, _, *lengths in calls} == {(1, 1, 2), (5, 5, 2)}


def test_a_longer_time_means_more_rounds():
    inputs = (torch.randn(4, 3),)
    network = {"one": nn.Linear(3, 3)}
    (short,), (longer,) = (measure(network, inputs, (1,), each) for each in (0, 0.05))
    assert short.n == 7 < longer.n


def test_a_batch_that_a_network_does_not_take_is_named():
    network = nn.Sequential(nn.Flatten(0), nn.Linear(6, 1))  # two samples of three numbers
    measure({"pair": network}, (torch.randn(2, 3),), (2,), seconds=0)
    with pytest.raises(CouldNotError, match=r"cannot time pair on a batch of 64 .*: ask for"):
        measure({"pair": network}, (torch.randn(2, 3),), (2, 64), seconds=0)


def test_no_networks_take_no_time():
    assert measure({}, (torch.randn(2, 3),)) == []


@pytest.mark.parametrize("samples", [1, 5])
def test_sparse_layers_answer_as_the_dense_ones(samples):
    dense = mlp(0.05)
    before = {name: each.clone() for name, each in dense.state_dict().items()}
    sparse = with_csr(dense)
    assert sparse_layers(sparse) == ["1"]  # the others have 31,000 weights
    x = torch.randn(samples, 1, 28, 28)
    with torch.inference_mode():
        torch.testing.assert_close(sparse(x), dense.eval()(x))
    assert not sparse_layers(dense)
    assert all(each.equal(before[name]) for name, each in dense.state_dict().items())


@pytest.mark.parametrize("shape", [(300,), (1, 300), (3, 300), (2, 3, 300)])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("share", [0.0, 0.05])
def test_a_sparse_layer_takes_what_a_linear_layer_takes(shape, bias, share):
    layer = pruned(nn.Linear(300, 200, bias=bias), share)
    sparse = with_csr(layer)
    assert isinstance(sparse, SparseLinear)
    x = torch.randn(shape)
    torch.testing.assert_close(sparse(x), layer(x))


@pytest.mark.parametrize(
    "network",
    [
        mlp(0.5),
        pruned(nn.Linear(300, 100), 0.01),  # small
        nn.Sequential(nn.Conv2d(1, 100, 20)),
        pruned(nn.Linear(300, 200).half(), 0.01),  # CPUs have no such product
    ],
    ids=["dense", "small", "no linear layer", "half"],
)
def test_a_network_without_fit_layers_has_no_sparse_copy(network):
    assert with_csr(network) is None


def test_attention_keeps_the_layers_whose_weights_it_reads():
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(128, 2, 512, batch_first=True)
    network = nn.Sequential(layer, nn.Linear(128, 400))
    sparse = with_csr(pruned(network, 0.05))
    assert sparse_layers(sparse) == ["1"]
    x = torch.randn(3, 7, 128)
    with torch.inference_mode():
        torch.testing.assert_close(sparse(x), network.eval()(x), atol=1e-5, rtol=1e-4)


@pytest.mark.slow
def test_sparse_matrices_warn_of_nothing():
    code = """
import warnings
import torch
from torch import nn
from paretoprune.export import with_csr
warnings.simplefilter("error")
layer = nn.Linear(300, 200)
nn.init.zeros_(layer.weight)
assert with_csr(layer)(torch.ones(2, 300)).shape == (2, 200)
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
