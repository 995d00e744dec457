"""One step of a fleet: gradients, their weights, the optimizer's move, pruning."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from paretoprune.combine import (
    Combine,
    Objectives,
    gram_matrices,
    smgd,
    weighted_sum,
)
from paretoprune.complexity import total
from paretoprune.fleet import Fleet
from paretoprune.problem import Problem, cross_entropy
from paretoprune.pruning import prune
from paretoprune.run import SMGD, Run
from paretoprune.updates import UPDATES, State

DENSE, CONVOLUTIONAL = 0, 1  # blocks of a split network; all others have one block


@dataclass
class Training:
    """A fleet in the midst of its training."""

    fleet: Fleet
    problem: Problem
    combine: Combine
    runs: Sequence[Run]
    blocks: dict[str, int]  # by parameter
    states: dict[tuple[str, str], State]  # by parameter and objective
    rates: Tensor  # [K]
    thresholds: Tensor  # [K]
    steps: int = 0


def begin(runs: Sequence[Run], problem: Problem) -> Training:
    """Stack the networks of the runs and prune them once."""
    fleet = problem.fleet([run.seed for run in runs])
    one = torch.ones((), device=problem.device, dtype=torch.get_default_dtype())
    training = Training(
        fleet=fleet,
        problem=problem,
        combine=method_of(runs, one),
        runs=runs,
        blocks=blocks_of(fleet, problem, runs[0].split),
        states=defaultdict(dict),
        rates=one.new_tensor([run.learning_rate for run in runs]),
        thresholds=one.new_tensor([run.threshold for run in runs]),
    )
    prune(problem.prunable_weights(fleet), training.thresholds)
    return training


def method_of(runs: Sequence[Run], one: Tensor) -> Combine:
    """How these runs weigh their objectives; `one` has the device and type of the weights."""
    if runs[0].method == SMGD:
        return smgd(runs[0].normalize)
    return weighted_sum(one.new_tensor([run.lam for run in runs]))


def blocks_of(fleet: Fleet, problem: Problem, is_split: bool) -> dict[str, int]:
    """The block of each parameter: of a split network, that of its dense layers or the other."""
    dense = {name.rpartition(".")[0] for name in problem.prunable}
    return {
        name: CONVOLUTIONAL if is_split and name.rpartition(".")[0] not in dense else DENSE
        for name in fleet.parameters
    }


def take_step(
    training: Training, images: Tensor, labels: Tensor, factor: float
) -> tuple[Tensor, Tensor]:
    """Take one step; return each network's loss [K] and objectives' weights [K, blocks, 2].

    `images` [B, C, H, W] and `labels` [B] are one mini-batch for all networks; `factor` scales
    the learning rates. The networks are independent, so the gradient of the sum of their losses
    holds each network's own gradient.
    """
    problem, parameters = training.problem, training.fleet.parameters
    training.steps += 1
    logits = training.fleet.forward(problem.inputs(images), training.steps)
    loss = cross_entropy(logits, labels).mean(1)  # [K]
    gradients = torch.autograd.grad(loss.sum(), list(parameters.values()))
    with torch.no_grad():
        costs = second_gradients(training)
        weights = training.combine(
            Objectives(
                gram=lambda: gram_matrices(gradients, costs, list(training.blocks.values())),
                values=lambda: values_of(training, loss),
            )
        ).to(loss.dtype)
        for name, gradient, cost in zip(parameters, gradients, costs, strict=True):
            own = weights[:, training.blocks[name]]
            move(training, name, gradient, cost, own, training.rates * factor)
        prune(problem.prunable_weights(training.fleet), training.thresholds)
    return loss.detach(), weights


def second_gradients(training: Training) -> list[Tensor | None]:
    """The second objective's gradient for each parameter, `None` where it is no part of it.

    That is the complexity of the prunable weights; in the convolutional block of a split network
    `l2_conv` times the sum of squares of its convolutions' weights.
    """
    problem, run = training.problem, training.runs[0]
    prunable = set(problem.prunable)
    squared = set(problem.convolutions) if run.split else set()
    return [
        problem.complexity.gradient(value)
        if name in prunable
        else 2 * run.l2_conv * value
        if name in squared
        else None
        for name, value in training.fleet.parameters.items()
    ]


def values_of(training: Training, loss: Tensor) -> Tensor:
    """The two objectives of each block, [K, blocks, 2]; `loss` has shape [K]."""
    problem, run = training.problem, training.runs[0]
    weights = problem.prunable_weights(training.fleet)
    seconds = [total(problem.complexity.value(tensor) for tensor in weights)]
    if run.split:
        kernels = [training.fleet.parameters[name] for name in problem.convolutions]
        squares = total(kernel.square().flatten(1).sum(1) for kernel in kernels)
        seconds.append(run.l2_conv * squares)
    return torch.stack([torch.stack((loss, second.to(loss)), dim=1) for second in seconds], dim=1)


def move(
    training: Training,
    name: str,
    gradient: Tensor,
    cost: Tensor | None,
    weights: Tensor,
    rates: Tensor,
) -> None:
    """Move one parameter of all networks, against the weighted sum of its gradients.

    `gradient` and `cost` [K, *shape] belong to the parameter `name`, `weights` is [K, 2], `rates`
    [K]. With joint moments the optimizer sees one direction, and the l2 term stands outside the
    sum; with separate ones (the authors' MAdam) it sees each gradient, the weights scale its two
    steps, and the l2 term belongs to the loss.
    """
    if training.runs[0].moments == "separate":
        step(training, name, "loss", add_decay(training, name, gradient), rates * weights[:, 0])
        if cost is not None:
            step(training, name, "complexity", cost, rates * weights[:, 1])
        return
    of_loss, of_cost = (w.view(-1, *[1] * (gradient.dim() - 1)) for w in weights.T)
    direction = gradient.mul_(of_loss)
    if cost is not None:
        direction.addcmul_(cost, of_cost)
    step(training, name, "both", add_decay(training, name, direction), rates)


def add_decay(training: Training, name: str, direction: Tensor) -> Tensor:
    """Add the gradient of `l2_conv` times the sum of squares of a convolution's weights.

    Not in a split network, where this is an objective.
    """
    run = training.runs[0]
    if run.l2_conv > 0 and not run.split and name in training.problem.convolutions:
        direction.add_(training.fleet.parameters[name], alpha=2 * run.l2_conv)
    return direction


def step(training: Training, name: str, objective: str, direction: Tensor, rates: Tensor) -> None:
    """Let the optimizer move one parameter of all networks."""
    run, state = training.runs[0], training.states[name, objective]
    value = training.fleet.parameters[name]
    UPDATES[run.optimizer](value, direction, state, rates, training.steps, run.momentum)
