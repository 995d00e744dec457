"""Losses and errors of a fleet, and the scale of λ."""

import pytest
import torch
from torch.nn import functional

from paretoprune.training.evaluate import evaluate, reference_lam
from tests.support.problems import problem


def test_evaluation_is_torchs_own():
    task = problem("lenet5")
    part = task.problem.data.test
    logits = task.problem.network(5)(*task.problem.inputs(part.inputs))
    losses = functional.cross_entropy(logits, part.targets, reduction="none")
    got = evaluate(task.fleet([5]), task, part)
    torch.testing.assert_close(got.loss[0].float(), losses.mean())
    torch.testing.assert_close(got.loss_se[0].float(), losses.std(correction=0) / 10)
    assert got.error.item() == pytest.approx((logits.argmax(1) != part.targets).float().mean())


def test_lam_ref_is_initial_loss_over_initial_complexity():
    task = problem()
    network = task.problem.network(0)
    (images,) = task.problem.inputs(task.problem.data.train.inputs)
    loss = torch.nn.functional.cross_entropy(network(images), task.problem.data.train.targets)
    size = sum(layer.weight.abs().sum() for layer in network if hasattr(layer, "weight"))
    assert reference_lam(task) == pytest.approx((loss / size).item(), rel=1e-4)
