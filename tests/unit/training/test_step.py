"""Steps with separate moments are those of two Adams."""

import math

import numpy as np
import pytest
import torch

from paretoprune.training.train import train_fleet
from tests.support.problems import problem, run


def plain_separate_training(one, task):
    """Two Adams of torch's own, one an objective; their steps are weighted and added."""
    network = task.problem.network(one.seed)
    named = dict(network.named_parameters())
    copies = {
        objective: {name: value.detach().clone() for name, value in named.items()}
        for objective in ("loss", "l1")
    }
    adams = {
        objective: torch.optim.Adam(values.values(), lr=1.0) for objective, values in copies.items()
    }
    batches = math.ceil(len(task.problem.data.train) / one.batch_size)
    for number in range(one.epochs * batches):
        batch = task.problem.order(number // batches).split(one.batch_size)[number % batches]
        images = task.problem.data.train.inputs[0][batch] / task.problem.data.white
        logits = network(images)
        loss = torch.nn.functional.cross_entropy(logits, task.problem.data.train.targets[batch])
        gradients = dict(zip(named, torch.autograd.grad(loss, named.values()), strict=True))
        moved = {}
        for objective, values in copies.items():
            for name, value in values.items():
                of_l1 = named[name].detach().sign() if name in task.problem.prunable else None
                value.grad = gradients[name] if objective == "loss" else of_l1
            before = {name: value.clone() for name, value in values.items()}
            adams[objective].step()
            moved[objective] = {name: values[name] - before[name] for name in values}
        with torch.no_grad():
            for name, value in named.items():
                value += one.learning_rate * (1 - one.lam) * moved["loss"][name]
                value += one.learning_rate * one.lam * moved["l1"][name]
    return named


@pytest.mark.parametrize("lam", [0.0, 0.03])
def test_separate_moments_are_two_adams_whose_steps_are_weighted(double, lam):
    task = problem(images=128)
    one = run(lam=lam, threshold=0.0, moments="separate", schedule="constant", epochs=3)
    outcome = train_fleet([one, run(**{**vars(one), "lam": 0.1})], task, lambda *_: None)[0]
    for name, value in plain_separate_training(one, task).items():
        np.testing.assert_allclose(outcome.weights[name], value.detach(), rtol=0, atol=1e-7)
