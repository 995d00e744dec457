"""Fused layers: dropout keyed by network, step and layer; running statistics."""

import pytest
import torch
from torch import nn

from paretoprune.training.fleet import stack


def test_running_statistics_are_each_networks_own(double):
    """After some steps a batch norm of a fleet has seen what its network would have seen alone."""
    layer, images = nn.BatchNorm2d(3), torch.randn(4, 8, 3, 5, 5)
    fleet = stack([nn.Sequential(nn.BatchNorm2d(3)) for _ in range(2)], (0, 1))
    for step, batch in enumerate(images):
        fleet.forward([batch], step)
        layer(batch)
    assert fleet.buffers["0.num_batches_tracked"].tolist() == [4, 4]
    for name in ("running_mean", "running_var"):
        for index in (0, 1):
            torch.testing.assert_close(
                fleet.buffers[f"0.{name}"][index], getattr(layer, name), rtol=0, atol=1e-12
            )


def masks(seeds, step, layers=1):
    fleet = stack([nn.Sequential(*[nn.Dropout(0.25) for _ in range(layers)]) for _ in seeds], seeds)
    return fleet.forward([torch.ones(40, 3, 6, 6)], step)


def test_dropout_keeps_a_share_and_its_mean():
    values = masks((1, 2, 3), step=7)
    assert values.unique().tolist() == pytest.approx([0.0, 1 / 0.75])
    assert (values > 0).float().mean().item() == pytest.approx(0.75, abs=0.02)
    assert torch.equal(masks((1, 2), step=None), torch.ones(1, 40, 3, 6, 6))


def test_masks_are_keyed_by_seed_step_and_layer():
    together = masks((1, 2), step=7)
    assert torch.equal(together[1], masks((2,), step=7)[0])
    assert not torch.equal(together[0], together[1])
    assert not torch.equal(together, masks((1, 2), step=8))
    twice = masks((1,), step=7, layers=2)  # two layers with one mask would keep 75 %
    assert (twice > 0).float().mean().item() == pytest.approx(0.75**2, abs=0.03)
