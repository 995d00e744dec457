"""Laws of fleets (DESIGN.md, decision 4): trained together is trained alone."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional

from paretoprune.errors import UsageError
from paretoprune.fleet import LAYERS, stack
from paretoprune.models import MODELS
from paretoprune.problem import evaluate
from paretoprune.train import begin, take_step, train_fleet
from tests.problems import problem, run

RUNS = [run(lam=0.0, seed=3), run(lam=1e-3, seed=4), run(lam=5e-3, seed=3, threshold=5e-3)]


# Adam's first step is its rate times nearly the sign of the gradient, however small that is, so a
# rounding error counts in units of the rate: the float32 law is stated at torch's default rate.
SLOW_RUNS = [replace(one, learning_rate=1e-3) for one in RUNS]


def train_steps(runs, model, prunable, steps):
    """Take some steps with all runs in one fleet; return the parameters [K, ...] by name."""
    training = begin(runs, problem(model, prunable))
    data = training.problem.data.train
    for step in range(steps):
        batch = training.problem.order(step // 8).split(32)[step % 8]
        take_step(training, data.images[batch], data.labels[batch], 1.0)
    return {name: value.detach() for name, value in training.fleet.parameters.items()}


def assert_fleet_equals_alone(runs, model, prunable, steps, tolerance):
    together = train_steps(runs, model, prunable, steps)
    for index, one in enumerate(runs):
        alone = train_steps([one], model, prunable, steps)
        for name, value in together.items():
            torch.testing.assert_close(value[index], alone[name][0], rtol=0, atol=tolerance)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("prunable", ["linear", "all"])
def test_fleet_equals_alone_after_20_steps_in_float64(double, model, prunable):
    if (model, prunable) == ("mlp", "all"):
        prunable = "linear"  # the same layers
    assert_fleet_equals_alone(RUNS, model, prunable, steps=20, tolerance=1e-9)


@pytest.mark.parametrize("model", MODELS)
def test_fleet_equals_alone_after_one_step_in_float32(model):
    assert_fleet_equals_alone(SLOW_RUNS, model, "linear", steps=1, tolerance=1e-5)


def plain_training(model, one, task, penalised):
    """Train one network as torch's documentation would, with l1 added to the loss."""
    network = task.network(one.seed)
    optimizer = torch.optim.Adam(network.parameters(), lr=one.learning_rate)
    batches = math.ceil(len(task.data.train) / one.batch_size)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: 0.5 * (1 + math.cos(math.pi * step / (one.epochs * batches)))
    )
    weights = [dict(network.named_parameters())[name] for name in task.prunable]
    for epoch in range(one.epochs):
        for batch in task.order(epoch).split(one.batch_size):
            images = task.data.train.images[batch] / task.data.white
            loss = functional.cross_entropy(network(images), task.data.train.labels[batch])
            if penalised:
                l1 = sum(weight.abs().sum() for weight in weights)
                loss = (1 - one.lam) * loss + one.lam * l1
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return dict(network.named_parameters())


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("lam", [0.0, 2e-3])
def test_without_itp_a_run_is_torch_optims_own_training(double, model, lam):
    task = problem(model)
    one = run(lam=lam, threshold=0.0, epochs=3)
    outcome = train_fleet([one, run(lam=0.1)], task, lambda step, steps: None)[0]
    expected = plain_training(model, one, task, penalised=lam > 0)
    for name, value in expected.items():
        got = torch.from_numpy(outcome.weights[name])
        torch.testing.assert_close(got, value.detach(), rtol=0, atol=1e-9)


@pytest.mark.parametrize("model", MODELS)
def test_forward_is_the_networks_own(model):
    task = problem(model)
    networks = [task.network(seed) for seed in range(3)]
    images = task.inputs(task.data.test.images)
    expected = torch.stack([network(images) for network in networks])
    torch.testing.assert_close(stack(networks).forward(images), expected)


def test_evaluation_is_torchs_own():
    task = problem("lenet5")
    part = task.data.test
    logits = task.network(5)(task.inputs(part.images))
    losses = functional.cross_entropy(logits, part.labels, reduction="none")
    got = evaluate(task.fleet([5]), task, part)
    torch.testing.assert_close(got.loss[0].float(), losses.mean())
    torch.testing.assert_close(got.loss_se[0].float(), losses.std(correction=0) / 10)
    assert got.error.item() == pytest.approx((logits.argmax(1) != part.labels).float().mean())


def test_a_diverging_run_does_not_touch_the_others():
    runs = [run(lam=1e-3), run(lam=1e-3, learning_rate=1e30, seed=1)]
    good, bad = (
        outcome.point for outcome in train_fleet(runs, problem(), lambda step, steps: None)
    )
    alone = train_fleet(runs[:1], problem(), lambda step, steps: None)[0].point
    assert bad.status == "diverged"
    assert "--lr" in bad.failure
    assert good.status == "done"
    assert good.val_loss == pytest.approx(alone.val_loss, abs=1e-4)


def test_a_layer_without_counterpart_is_named():
    assert nn.Tanh not in LAYERS
    with pytest.raises(UsageError, match="Tanh"):
        stack([nn.Sequential(nn.Flatten(), nn.Tanh())])


@pytest.mark.slow
@pytest.mark.parametrize("model", ["mlp", "lenet5"])
def test_full_runs_agree_within_the_spread_between_seeds(model):
    """Validation error together and alone differs less than between seeds."""
    task = problem(model, images=1000)
    runs = [run(lam=1e-3, seed=seed, epochs=20) for seed in range(4)]
    together = [o.point.val_error for o in train_fleet(runs, task, lambda step, steps: None)]
    alone = [train_fleet([one], task, lambda step, steps: None)[0].point.val_error for one in runs]
    spread = max(together + alone) - min(together + alone) + 1 / 144
    assert max(abs(a - b) for a, b in zip(together, alone, strict=True)) <= spread
