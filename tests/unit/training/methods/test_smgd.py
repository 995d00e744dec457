"""Laws of SMGD's steps on real networks, against torch's own gradients and optimizers."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from paretoprune.study.run import MOMENTS
from paretoprune.training.methods.gradient_weights import min_norm
from paretoprune.training.methods.smgd import NAME as SMGD
from paretoprune.training.step import begin, take_step
from paretoprune.training.train import train_fleet
from tests.support.problems import problem, run

RATE = 1e-3
SMGD_RUN = run(method=SMGD, lam=None, threshold=0.0, learning_rate=RATE)
PLAIN = replace(SMGD_RUN, optimizer="sgd")  # what a step moves is the direction times the rate


def batches(task, steps, size=32):
    order = task.problem.order(0)
    return [order[step * size : (step + 1) * size] for step in range(steps)]


def advance(training, steps=1):
    """Take some steps; return the parameters [K, ...] by name, and the last weights."""
    data = training.problem.data.train
    for batch in batches(training.prepared, steps):
        _, weights = take_step(training, data[batch], 1.0)
    values = training.fleet.parameters.items()
    return {name: value.detach().clone() for name, value in values}, weights


def raw_gradients(task, network, batch):
    """Those of the loss and of l1 over all parameters, by torch: two dicts by name."""
    (images,) = task.problem.inputs(task.problem.data.train[batch].inputs)
    loss = functional.cross_entropy(network(images), task.problem.data.train.targets[batch])
    named = dict(network.named_parameters())
    first = dict(zip(named, torch.autograd.grad(loss, list(named.values())), strict=True))
    second = {
        name: value.detach().sign() if name in task.problem.prunable else torch.zeros_like(value)
        for name, value in named.items()
    }
    return first, second


def flat(tensors, names=None):
    return torch.cat(
        [value.flatten() for name, value in tensors.items() if not names or name in names]
    )


def gram_of(first, second):
    both = torch.stack((first, second))
    return both @ both.T


@pytest.mark.parametrize("model", ["mlp", "lenet5"])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_step_is_the_shortest_combination_and_no_ascent_for_either(double, model, seed):
    """<d, g_i> >= |d|^2 for both raw gradients: joint moments, unnormalised, no preconditioning."""
    task, one = problem(model), replace(PLAIN, seed=seed)
    before = flat(dict(task.problem.network(seed).named_parameters())).detach()
    after, _ = advance(begin([one], task))
    direction = (before - flat({name: value[0] for name, value in after.items()})) / RATE
    first, second = map(flat, raw_gradients(task, task.problem.network(seed), batches(task, 1)[0]))
    weights = min_norm(gram_of(first, second))
    torch.testing.assert_close(direction, weights @ torch.stack((first, second)))
    squared = (direction @ direction).item()
    assert squared > 0
    for gradient in (first, second):
        assert (direction @ gradient).item() >= squared * (1 - 1e-9)


@pytest.mark.parametrize("moments", MOMENTS)
@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop"])
def test_fixed_weights_make_it_the_weighted_sum(double, moments, optimizer):
    """The loop is the same: only the weights tell the methods apart."""
    task = problem("lenet5")
    momentum = {"momentum": 0.9} if optimizer == "sgd" else {}
    other = replace(SMGD_RUN, moments=moments, optimizer=optimizer, **momentum)
    chosen = begin([other], task)
    chosen.rule.weighting = lambda objectives: torch.tensor([[[0.75, 0.25]]])
    fixed = begin([replace(other, method="weighted-sum", lam=0.25)], task)
    ours, weights = advance(chosen, 5)
    expected, _ = advance(fixed, 5)
    assert weights.tolist() == [[[0.75, 0.25]]]
    for name, value in expected.items():
        torch.testing.assert_close(ours[name], value, rtol=0, atol=1e-12)


def test_separate_moments_add_the_steps_of_two_optimizers(double):
    """The authors' MAdam: weights from the raw gradients, scaling the two preconditioned steps."""
    task = problem("lenet5")
    network = task.problem.network(0)
    named = dict(network.named_parameters())
    dense = [named[name] for name in task.problem.prunable]
    of_loss = torch.optim.Adam(network.parameters(), lr=RATE)
    of_cost = torch.optim.Adam(dense, lr=RATE)
    for batch in batches(task, 6):
        first, second = raw_gradients(task, network, batch)
        weights = min_norm(gram_of(flat(first), flat(second))).tolist()
        for optimizer, gradients, weight in zip(
            (of_loss, of_cost), (first, second), weights, strict=True
        ):
            optimizer.param_groups[0]["lr"] = RATE * weight
            for name, value in named.items():
                value.grad = gradients[name]
            optimizer.step()
    ours, _ = advance(begin([replace(SMGD_RUN, moments="separate")], task), 6)
    for name, value in named.items():
        torch.testing.assert_close(ours[name][0], value.detach(), rtol=0, atol=1e-9)


def test_with_separate_moments_the_decay_belongs_to_the_loss(double):
    """One step of plain gradient descent: the loss's weight scales its decay too."""
    task = problem("lenet5")
    one = replace(PLAIN, moments="separate", l2_conv=0.5)
    named = dict(task.problem.network(0).named_parameters())
    first, _ = raw_gradients(task, task.problem.network(0), batches(task, 1)[0])
    after, weights = advance(begin([one], task))
    for name in task.problem.convolutions:
        direction = weights[0, 0, 0] * (first[name] + 2 * 0.5 * named[name].detach())
        torch.testing.assert_close(named[name].detach() - after[name][0], RATE * direction)


def test_a_split_network_solves_two_problems_side_by_side(double):
    """Dense parameters from (loss, l1), the others from (loss, sum of squares of convolutions)."""
    task = problem("lenet5")
    network = task.problem.network(0)
    named = dict(network.named_parameters())
    first, second = raw_gradients(task, network, batches(task, 1)[0])
    second |= {name: 2 * 3.0 * named[name].detach() for name in task.problem.convolutions}
    dense = {name for name in named if named[name].dim() <= 2 and name[0] not in "03"}
    assert {f"{name.split('.')[0]}.weight" for name in dense} == set(task.problem.prunable)
    blocks = [dense, set(named) - dense]
    after, weights = advance(begin([replace(PLAIN, split=True, l2_conv=3.0)], task))
    assert weights.shape == (1, 2, 2)
    for number, names in enumerate(blocks):
        expected = min_norm(gram_of(flat(first, names), flat(second, names)))
        torch.testing.assert_close(weights[0, number], expected)
        for name in names:
            direction = expected[0] * first[name] + expected[1] * second[name]
            moved = named[name].detach() - after[name][0]
            torch.testing.assert_close(moved, RATE * direction)


@pytest.mark.parametrize("normalize", ["l2", "loss"])
def test_normalized_objectives_change_the_weights_only(double, normalize):
    task = problem("lenet5")
    first, second = map(flat, raw_gradients(task, task.problem.network(0), batches(task, 1)[0]))
    _, weights = advance(begin([replace(PLAIN, normalize=normalize)], task))
    if normalize == "l2":
        lengths = torch.stack((first.norm(), second.norm()))
    else:
        part = task.problem.data.train[batches(task, 1)[0]]
        network = task.problem.network(0)
        loss = functional.cross_entropy(network(*task.problem.inputs(part.inputs)), part.targets)
        l1 = sum(
            value.abs().sum()
            for n, value in network.named_parameters()
            if n in task.problem.prunable
        )
        lengths = torch.stack((loss, l1)).detach()
    scaled = min_norm(gram_of(first / lengths[0], second / lengths[1])) / lengths
    torch.testing.assert_close(weights[0, 0], scaled / scaled.sum(), rtol=1e-6, atol=1e-12)


def test_loss_normalizes_each_block_by_its_own_objectives(double):
    task = problem("lenet5")
    one = replace(PLAIN, split=True, l2_conv=3.0, normalize="loss")
    network = task.problem.network(0)
    first, second = raw_gradients(task, network, batches(task, 1)[0])
    names = [name for name in first if f"{name.split('.')[0]}.weight" in task.problem.convolutions]
    second |= {
        name: 6.0 * network.get_parameter(name).detach() for name in task.problem.convolutions
    }
    squares = sum(network.get_parameter(name).square().sum() for name in task.problem.convolutions)
    part = task.problem.data.train[batches(task, 1)[0]]
    loss = functional.cross_entropy(network(*task.problem.inputs(part.inputs)), part.targets)
    values = torch.stack((loss, 3.0 * squares)).detach()
    scaled = min_norm(gram_of(flat(first, names) / values[0], flat(second, names) / values[1]))
    _, weights = advance(begin([one], task))
    torch.testing.assert_close(weights[0, 1], (scaled / values) / (scaled / values).sum())


@pytest.mark.parametrize("split", [False, True])
def test_the_history_holds_the_mean_weights_of_each_epoch(split):
    one = replace(SMGD_RUN, split=split, l2_conv=1.0 if split else 0.0, epochs=2)
    outcome = train_fleet([one], problem("lenet5", images=64), lambda step, steps: None)[0]
    training = begin([one], problem("lenet5", images=64))
    data, chosen = training.problem.data.train, []
    for epoch in range(2):
        for batch in training.problem.order(epoch).split(one.batch_size):
            lr_scale = (1, 0.8535534, 0.5, 0.1464466)[len(chosen)]
            chosen.append(take_step(training, data[batch], lr_scale)[1][0])
    blocks = [("loss_weight", "complexity_weight"), ("conv_loss_weight", "conv_l2_weight")]
    for block, names in enumerate(blocks[: 1 + split]):
        for objective, name in enumerate(names):
            means = [
                (chosen[2 * epoch][block, objective] + chosen[2 * epoch + 1][block, objective]) / 2
                for epoch in range(2)
            ]
            assert outcome.history[name] == pytest.approx([float(m) for m in means], rel=1e-4)
    assert ("conv_l2_weight" in outcome.history) == split


def test_smgd_prunes_as_a_weighted_sum_does():
    one = replace(SMGD_RUN, threshold=5e-3, learning_rate=1e-2, epochs=10)
    outcome = train_fleet([one], problem(images=256), lambda step, steps: None)[0]
    assert outcome.point.run.lam is None
    assert 0 < outcome.point.values["nonzeros"] < outcome.point.values["prunable_weights"]
    smallest = min(
        abs(outcome.weights[name][outcome.weights[name] != 0]).min()
        for name in problem().problem.prunable
    )
    assert smallest > 5e-3


def test_without_prunable_weights_left_it_rests():
    """The complexity's gradient is zero there, and so is the shortest combination."""
    one = replace(PLAIN, threshold=1e9)
    training = begin([one], problem("lenet5"))
    before = training.fleet.parameters["0.bias"].detach().clone()
    after, weights = advance(training, 3)
    assert weights.tolist() == [[[0.0, 1.0]]]
    assert torch.equal(after["0.bias"], before)
