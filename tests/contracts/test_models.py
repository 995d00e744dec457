"""The models: fused, compacted and counted alike, for images of any size."""

import pytest
import torch
from torch import nn

from paretoprune.problem.models import MODELS
from paretoprune.training.fleet import stack
from paretoprune.training.fleet.select import choose_backend
from tests.support.compaction import (
    WEIGHTED,
    assert_compact_equals_original,
    oracle,
    shake,
    thin,
    widths,
)
from tests.support.problems import problem


@pytest.mark.parametrize("model", MODELS)
def test_forward_is_the_networks_own(model):
    task = problem(model)
    networks = [task.problem.network(seed) for seed in range(3)]
    inputs = task.problem.inputs(task.problem.data.test.inputs)
    expected = torch.stack([network.eval()(*inputs) for network in networks])
    torch.testing.assert_close(stack(networks, range(3)).forward(inputs), expected)


@pytest.mark.parametrize("model", ["lenet5", "lenet5-caffe", "vgg"])
def test_networks_fit_themselves_to_channels_size_and_classes(model):
    for shape, classes in (((3, 32, 32), 7), ((1, 17, 23), 2)):
        networks = [MODELS[model](shape, classes) for _ in range(2)]
        logits = stack(networks, (0, 1)).forward([torch.randn(5, *shape)])
        assert logits.shape == (2, 5, classes)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("share", [0.3, 0.6, 1.0])
def test_models(model, share):
    shape = (3, 32, 32) if model == "vgg" else (1, 28, 28)
    network = thin(shake(MODELS[model](shape, 10), 2), 3, rows=share, columns=share / 2)
    result = assert_compact_equals_original(network, torch.randn(2, *shape))
    assert len(result.removed) == len(widths(network)) - 1  # all layers but the last
    if model == "vgg":
        assert set(result.unremovable.values()) <= {1}
    else:
        assert widths(result.network) == oracle(network)


@pytest.mark.parametrize("model", MODELS)
def test_dense_models_stay_as_they_are(model):
    shape = (3, 32, 32) if model == "vgg" else (1, 28, 28)
    network = MODELS[model](shape, 10)
    result = assert_compact_equals_original(network, torch.randn(2, *shape))
    assert (result.removed, result.unremovable, result.reason) == ({}, {}, "")


@pytest.mark.parametrize("model", MODELS)
def test_a_constant_network_still_works(model):
    shape = (3, 32, 32) if model == "vgg" else (1, 28, 28)
    network = shake(MODELS[model](shape, 10), 2)
    for layer in network:
        if isinstance(layer, WEIGHTED):
            nn.init.zeros_(layer.weight)
    result = assert_compact_equals_original(network, torch.randn(2, *shape))
    *hidden, last = widths(result.network)
    assert set(hidden) == {1}
    assert last == 10


@pytest.mark.parametrize("model", MODELS)
def test_our_models_are_fused(model):
    task = problem(model)
    made = [task.problem.network(seed) for seed in range(3)]
    assert (
        choose_backend(made, task.problem.inputs(task.problem.data.train[:4].inputs))[0] == "fused"
    )
