"""Laws of fleets (DESIGN.md, decision 4): trained together is trained alone."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional

from paretoprune.problem.models import MODELS
from paretoprune.study.run import MOMENTS
from paretoprune.training.methods.smgd import NAME as SMGD
from paretoprune.training.methods.smgd import NORMALIZE
from paretoprune.training.optimizers import OPTIMIZERS
from paretoprune.training.step import begin, take_step
from paretoprune.training.train import train_fleet
from tests.support.problems import problem, run

# Two of one rate and threshold side by side, then others: values per network, moved in stretches.
RUNS = [
    run(lam=0.0, seed=3),
    run(lam=1e-3, seed=4),
    run(lam=5e-3, seed=3, threshold=5e-3, learning_rate=5e-3),
]

# Adam's first step is its rate times nearly the sign of the gradient, however small that is, so of
# a gradient that is zero but for rounding errors these would count. A step of SGD at rate 1 is the
# gradient itself.
GRADIENT_RUNS = [replace(one, optimizer="sgd", learning_rate=1.0) for one in RUNS]


def train_steps(runs, model, prunable, steps):
    """Take some steps with all runs in one fleet; return the parameters [K, ...] by name."""
    training = begin(runs, problem(model, prunable))
    data = training.problem.data.train
    for step in range(steps):
        batch = training.problem.order(step // 8).split(32)[step % 8]
        take_step(training, data[batch], 1.0)
    return {name: value.detach() for name, value in training.fleet.parameters.items()}


def assert_fleet_equals_alone(runs, model, prunable, steps, tolerance):
    together = train_steps(runs, model, prunable, steps)
    for index, one in enumerate(runs):
        alone = train_steps([one], model, prunable, steps)
        for name, value in together.items():
            torch.testing.assert_close(value[index], alone[name][0], rtol=0, atol=tolerance)


@pytest.mark.parametrize(
    ("model", "prunable"), [("lenet5", "linear"), *((model, "all") for model in MODELS)]
)
def test_fleet_equals_alone_after_20_steps_in_float64(double, model, prunable):
    assert_fleet_equals_alone(RUNS, model, prunable, steps=20, tolerance=1e-9)


@pytest.mark.parametrize("model", MODELS)
def test_fleet_equals_alone_after_one_step_in_float32(model):
    assert_fleet_equals_alone(GRADIENT_RUNS, model, "linear", steps=1, tolerance=1e-5)


def smgd_runs(**changes):
    return [replace(one, method=SMGD, lam=None, **changes) for one in RUNS]


@pytest.mark.parametrize("moments", MOMENTS)
@pytest.mark.parametrize("normalize", NORMALIZE)
@pytest.mark.parametrize(
    ("model", "split"),
    [
        ("mlp", False),
        ("lenet5", False),
        ("lenet5", True),
        pytest.param("vgg", True, marks=pytest.mark.slow),
    ],
)
def test_fleets_of_smgd_equal_alone(double, moments, normalize, model, split):
    runs = smgd_runs(moments=moments, normalize=normalize, split=split, learning_rate=1e-3)
    assert_fleet_equals_alone(runs, model, "linear", steps=20, tolerance=1e-9)


@pytest.mark.parametrize("moments", MOMENTS)
def test_fleets_of_smgd_equal_alone_after_one_step_in_float32(moments):
    runs = smgd_runs(moments=moments, learning_rate=1e-3)
    assert_fleet_equals_alone(runs, "lenet5", "linear", steps=1, tolerance=1e-5)


TORCH_OPTIMIZERS = {
    "adam": lambda weights, one: torch.optim.Adam(weights, lr=one.learning_rate),
    "sgd": lambda weights, one: torch.optim.SGD(
        weights, lr=one.learning_rate, momentum=one.momentum
    ),
    "rmsprop": lambda weights, one: torch.optim.RMSprop(
        weights, lr=one.learning_rate, momentum=one.momentum
    ),
}


def without_dropout(task):
    """The same problem with networks that drop nothing: torch draws other masks than a fleet."""

    def model():
        network = task.problem.model()
        for layer in network:
            if isinstance(layer, nn.Dropout):
                layer.p = 0.0
        return network

    return replace(task, problem=replace(task.problem, model=model))


def plain_training(one, task):
    """Train one network as torch's documentation would, with the penalties added to the loss."""
    network = task.problem.network(one.seed)
    optimizer = TORCH_OPTIMIZERS[one.optimizer](network.parameters(), one)
    batches = math.ceil(len(task.problem.data.train) / one.batch_size)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: 0.5 * (1 + math.cos(math.pi * step / (one.epochs * batches)))
    )
    named = dict(network.named_parameters())
    for epoch in range(one.epochs):
        for batch in task.problem.order(epoch).split(one.batch_size):
            images = task.problem.data.train.inputs[0][batch] / task.problem.data.white
            loss = functional.cross_entropy(network(images), task.problem.data.train.targets[batch])
            if one.lam > 0:
                l1 = sum(named[name].abs().sum() for name in task.problem.prunable)
                loss = (1 - one.lam) * loss + one.lam * l1
            if one.l2_conv > 0:
                loss = loss + one.l2_conv * sum(
                    named[n].square().sum() for n in task.problem.convolutions
                )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.state_dict()


def assert_is_torch_optims_own_training(model, **changes):
    task = without_dropout(problem(model, images=128))
    one = run(threshold=0.0, epochs=3, **changes)
    other = replace(one, lam=0.1, seed=5)
    outcome = train_fleet([one, other], task, lambda step, steps: None)[0]
    expected = plain_training(one, task)
    assert outcome.weights.keys() == expected.keys()
    for name, value in expected.items():
        got = torch.from_numpy(outcome.weights[name])
        torch.testing.assert_close(got, value.detach(), rtol=0, atol=1e-9)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("lam", [0.0, 2e-3])
def test_without_itp_a_run_is_torch_optims_own_training(double, model, lam):
    assert_is_torch_optims_own_training(model, lam=lam, learning_rate=1e-3)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_optimizers_are_torch_optims_own(double, optimizer, momentum):
    """Adam has its own momentum: the other one says nothing to it."""
    rate = {"learning_rate": 1e-3, "optimizer": optimizer, "momentum": momentum}
    assert_is_torch_optims_own_training("mlp", lam=1e-3, **rate)


def test_l2_of_convolutions_stands_outside_the_weighted_sum(double):
    assert_is_torch_optims_own_training("lenet5", lam=0.3, l2_conv=0.01, learning_rate=1e-3)


@pytest.mark.parametrize("model", MODELS)
def test_a_diverging_run_does_not_touch_the_others(model):
    own = run(lam=1e-3, optimizer="sgd", learning_rate=1e-2)
    runs, task = [own, replace(own, learning_rate=1e30, seed=1)], problem(model, images=64)
    good, bad = (outcome.point for outcome in train_fleet(runs, task, lambda step, steps: None))
    alone = train_fleet(runs[:1], task, lambda step, steps: None)[0].point
    assert bad.status == "diverged"
    assert "--lr" in bad.failure
    assert good.status == "done"
    loss = alone.values["val_loss"]
    assert good.values["val_loss"] == pytest.approx(loss, abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["mlp", "lenet5"])
def test_full_runs_agree_within_the_spread_between_seeds(model):
    """Validation error together and alone differs less than between seeds."""
    task = problem(model, images=1000)
    runs = [run(lam=1e-3, seed=seed, epochs=20) for seed in range(4)]
    together = [
        o.point.values["val_error"] for o in train_fleet(runs, task, lambda step, steps: None)
    ]
    alone = [
        train_fleet([one], task, lambda step, steps: None)[0].point.values["val_error"]
        for one in runs
    ]
    spread = max(together + alone) - min(together + alone) + 1 / 144
    assert max(abs(a - b) for a, b in zip(together, alone, strict=True)) <= spread
