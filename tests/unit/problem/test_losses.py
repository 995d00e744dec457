"""What is minimised, what a constant prediction reaches, and what the error is."""

import numpy as np
import pytest
import torch
from sklearn.metrics import r2_score
from torch import nn
from torch.nn import functional

from paretoprune.errors import UsageError
from paretoprune.problem.build import Environment
from paretoprune.problem.losses import LOSSES, best_constant, loss_of, squared_error
from paretoprune.study.settings import Settings
from paretoprune.training.evaluate import evaluate
from paretoprune.training.prepare import prepare
from paretoprune.training.train import train_fleet
from tests.support.problems import run

GENERATOR = torch.Generator().manual_seed(0)
X = torch.randn(200, 3, generator=GENERATOR)
Y = X @ torch.tensor([1.0, -2.0, 0.5]) + 3
CLASSES = (Y > 3).long() + (Y > 4).long()


def problem_of(targets, loss="mse", outputs=1, own=None):
    data = ((X[:120], targets[:120]), (X[120:160], targets[120:160]), (X[160:], targets[160:]))
    settings = Settings(model="m:m", dataset="d:d", loss=loss, prunable="all")
    return prepare(settings, Environment(model=lambda: nn.Linear(3, outputs), data=data, loss=own))


def absolute(outputs, targets):
    return (outputs.squeeze(1) - targets).abs()


def test_squared_errors_are_those_of_their_own_samples():
    outputs, targets = torch.randn(2, 5, 1), torch.randn(5)
    expected = [functional.mse_loss(own.squeeze(1), targets) for own in outputs]
    torch.testing.assert_close(squared_error(outputs, targets).mean(1), torch.stack(expected))
    pairs = torch.randn(2, 5, 3, 2), torch.randn(5, 3, 2)
    expected = [functional.mse_loss(own, pairs[1]) for own in pairs[0]]
    torch.testing.assert_close(squared_error(*pairs).mean(1), torch.stack(expected))


@pytest.mark.parametrize("targets", [Y, torch.stack((Y, X[:, 0]), 1)])
def test_the_quality_of_squared_errors_is_r2(targets):
    task = problem_of(targets, outputs=1 if targets.ndim == 1 else 2)
    assert task.metric == "R²"
    one = run(method="weighted-sum", lam=0.0, epochs=150, learning_rate=0.05, threshold=0.0)
    point = train_fleet([one], task, lambda step, steps: None)[0].point
    fleet = task.fleet([0])
    got = evaluate(fleet, task, task.problem.data.test)
    outputs = fleet.forward(task.problem.inputs(task.problem.data.test.inputs))[0].detach()
    wanted = task.problem.data.test.targets
    # R² with the training targets' mean, as nobody knows that of the test targets
    centre = task.problem.data.train.targets.mean(0)
    residual = (outputs.reshape(wanted.shape) - wanted).square().sum()
    share = (residual / (wanted - centre).square().sum()).clamp(0, 1).item()
    assert got.error.item() == pytest.approx(share, rel=1e-5)
    assert 0 <= point.values["test_error"] < 0.1
    assert point.status == "done"


def test_r2_is_scikit_learns_where_the_means_agree():
    task = problem_of(Y)
    fleet = task.fleet([0])
    with torch.no_grad():  # a good network, so that nothing is cut off at 0
        fleet.parameters["weight"].copy_(torch.tensor([[[0.9, -1.9, 0.4]]]))
        fleet.parameters["bias"].fill_(2.9)
    got = evaluate(fleet, task, task.problem.data.train)
    outputs = fleet.forward(task.problem.inputs(task.problem.data.train.inputs))[0].detach()
    expected = r2_score(task.problem.data.train.targets.numpy(), outputs.squeeze(1).numpy())
    assert 1 - got.error.item() == pytest.approx(expected, rel=1e-5)


def test_a_constant_prediction_has_no_quality():
    task = problem_of(Y)
    fleet = task.fleet([0])
    with torch.no_grad():
        fleet.parameters["weight"].zero_()
        fleet.parameters["bias"].copy_(task.constant.view(1, 1))
    got = evaluate(fleet, task, task.problem.data.validation)
    assert got.loss.item() == pytest.approx(task.constant_loss, rel=1e-5)
    assert got.error.item() == pytest.approx(1)


@pytest.mark.parametrize("name", LOSSES)
def test_the_best_constant_is_found_without_knowing_the_loss(name):
    loss, targets = LOSSES[name], CLASSES if name == "cross-entropy" else Y
    shape = torch.Size([3 if name == "cross-entropy" else 1])
    known, found = loss.constant(targets, shape), best_constant(loss.value, targets, shape)
    values = [
        loss.value(own.float().expand(1, len(targets), *shape), targets).mean().item()
        for own in (known, found)
    ]
    assert values[1] == pytest.approx(values[0], rel=1e-4)


def test_an_own_loss_is_trained_on_and_has_a_skill():
    task = problem_of(Y, "m:absolute", own=absolute)
    assert task.metric == "skill"
    median = np.median(task.problem.data.train.targets.numpy())
    expected = np.abs(task.problem.data.validation.targets.numpy() - median).mean()
    assert task.constant_loss == pytest.approx(expected, rel=0.02)
    one = run(lam=0.0, epochs=150, learning_rate=0.05)
    point = train_fleet([one], task, lambda step, steps: None)[0].point
    assert point.values["val_loss"] < 0.3 * task.constant_loss
    assert point.values["val_error"] == pytest.approx(
        point.values["val_loss"] / task.constant_loss, rel=0.05
    )


def test_an_own_loss_over_classes_has_an_accuracy():
    own = loss_of(lambda o, t: functional.cross_entropy(o, t, reduction="none"), "m:own")
    outputs = torch.randn(2, 200, 3)
    torch.testing.assert_close(
        own.value(outputs, CLASSES), LOSSES["cross-entropy"].value(outputs, CLASSES)
    )
    task = problem_of(CLASSES, "m:own", outputs=3, own=lambda o, t: own.value(o[None], t)[0])
    assert task.metric == "accuracy"


def test_one_logit_for_two_classes_is_no_choice_between_them():
    def binary(outputs, targets):
        return functional.binary_cross_entropy_with_logits(
            outputs.squeeze(1), targets.float(), reduction="none"
        )

    task = problem_of((Y > 3).long(), "m:binary", own=binary)
    assert task.metric == "skill"
    assert evaluate(task.fleet([0]), task, task.problem.data.test).error.item() > 0.2


@pytest.mark.parametrize(
    ("targets", "loss", "own", "complaint"),
    [
        (CLASSES, "mse", None, "--loss mse is for numbers, and the targets are classes"),
        (Y, "cross-entropy", None, "--loss cross-entropy is for classes.*give --loss mse"),
        (torch.stack((Y, Y, Y), 1), "mse", None, r"returns \[1\] for a sample.*targets of 3"),
        (Y * 0, "mse", None, "of the best constant prediction is 0"),
        (Y, "m:own", lambda o, t: (o.squeeze(1) - t).square().mean(), r"returns \[\] for .*none"),
        (Y, "m:own", lambda o, t: 3, "returns int for"),
        (Y, "m:own", lambda o, t: {}["no"], "raises KeyError"),
        (Y, "m:own", lambda o, t: (o.squeeze(1) - t).square() - 99, "it must be a number above 0"),
        (Y, "l2", None, "--loss l2 is unknown"),
    ],
)
def test_losses_that_do_not_fit_are_refused(targets, loss, own, complaint):
    with pytest.raises(UsageError, match=complaint):
        problem_of(targets, loss, own=own)


def test_a_loss_that_falls_below_zero_is_said():
    task = problem_of(Y, "m:own", own=lambda o, t: (o.squeeze(1) - t).square() - 1)
    one = run(lam=0.0, epochs=150, learning_rate=0.05)
    point = train_fleet([one], task, lambda step, steps: None)[0].point
    assert point.status == "diverged"
    assert "--loss" in point.failure
