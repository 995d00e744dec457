"""One step of a fleet: gradients, their weights, the optimizer's move, pruning."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from paretoprune.problem.datasets import Split
from paretoprune.problem.problem import Problem
from paretoprune.pruning.penalties import total
from paretoprune.pruning.threshold import prune
from paretoprune.study.run import SMGD, Run
from paretoprune.training.fleet import Fleet
from paretoprune.training.methods.gradient_weights import (
    GradientFacts,
    Weighting,
    gram_matrices,
    smgd,
    weighted_sum,
)
from paretoprune.training.optimizers import StackedOptimizer, contiguous_groups
from paretoprune.training.prepare import Prepared

DENSE, CONVOLUTIONAL = 0, 1  # blocks of a split network; all others have one block
BOTH, LOSS, COMPLEXITY = "both", "loss", "complexity"  # what an optimizer sees


@dataclass
class Training:
    """A fleet in the midst of its training.

    `lams` [K] are those of weighted sums; `None` where the gradients decide. `steps_of` holds with
    separate moments the steps of each objective's optimizer, which are weighed before the
    parameters take them, by objective and parameter; with joint moments it is empty.
    """

    fleet: Fleet
    prepared: Prepared
    runs: Sequence[Run]
    weighting: Weighting
    lams: Tensor | None
    blocks: dict[str, int]  # by parameter
    optimizers: dict[str, StackedOptimizer]  # by objective
    steps_of: dict[str, dict[str, Tensor]]
    thresholds: list[tuple[slice, float]]
    steps: int = 0

    @property
    def problem(self) -> Problem:
        """What is trained."""
        return self.prepared.problem

    @property
    def prunable_weights(self) -> list[Tensor]:
        """The prunable tensors of the fleet, [K, *shape] each."""
        return [self.fleet.parameters[name] for name in self.problem.prunable]


def begin(runs: Sequence[Run], prepared: Prepared) -> Training:
    """Stack the networks of the runs and prune them once."""
    problem, first = prepared.problem, runs[0]
    fleet = prepared.fleet([run.seed for run in runs])
    is_joint = first.moments == "joint"
    moved = {BOTH: fleet.parameters} if is_joint else separate_steps(fleet, problem, first.split)
    rates = [run.learning_rate for run in runs]
    lams = None if first.method == SMGD else torch.tensor([run.lam for run in runs])
    training = Training(
        fleet=fleet,
        prepared=prepared,
        runs=runs,
        weighting=smgd(first.normalize),
        lams=None if lams is None else lams.to(problem.device, torch.get_default_dtype()),
        blocks=blocks_of(fleet, problem, first.split),
        optimizers={
            objective: StackedOptimizer(
                first.optimizer,
                list(values.values()),
                rates,
                first.momentum,
                is_stacked=prepared.is_stacked,
            )
            for objective, values in moved.items()
        },
        steps_of={} if is_joint else moved,
        thresholds=contiguous_groups([run.threshold for run in runs]),
    )
    prune_fleet(training)
    return training


def prune_fleet(training: Training) -> None:
    """Set weights to zero, each network's by its own threshold."""
    is_grouped = training.problem.complexity.is_grouped
    prune(training.prunable_weights, training.thresholds, is_grouped)


def separate_steps(fleet: Fleet, problem: Problem, is_split: bool) -> dict[str, dict[str, Tensor]]:
    """Where two optimizers leave their steps: for all parameters, for those with a second cost."""
    second = {*problem.prunable, *(problem.convolutions if is_split else ())}
    values = fleet.parameters.items()
    return {
        LOSS: {name: torch.zeros_like(value) for name, value in values},
        COMPLEXITY: {name: torch.zeros_like(value) for name, value in values if name in second},
    }


def blocks_of(fleet: Fleet, problem: Problem, is_split: bool) -> dict[str, int]:
    """The block of each parameter: of a split network, that of its dense layers or the other."""
    dense = {name.rpartition(".")[0] for name in problem.prunable}
    return {
        name: CONVOLUTIONAL if is_split and name.rpartition(".")[0] not in dense else DENSE
        for name in fleet.parameters
    }


def take_step(
    training: Training, batch: Split, lr_scale: float, lam_scale: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Take one step; return each network's loss [K] and objectives' weights [K, blocks, 2].

    `batch` is one mini-batch for all networks; `lr_scale` scales the learning rates, `lam_scale`
    the lams. The networks are independent, so the gradient of the sum of their losses holds each
    network's own gradient.
    """
    training.steps += 1
    weights = None if training.lams is None else weighted_sum(training.lams * lam_scale)
    # a weight that is known before the gradients scales a number, not all of them
    scale = None if weights is None or training.steps_of else weights[:, 0, 0]
    loss, gradients = differentiate(training, batch, scale)
    with torch.no_grad():
        penalties = penalty_gradients(training)
        if weights is None:
            objectives = GradientFacts(
                gram=lambda: gram_matrices(gradients, penalties, list(training.blocks.values())),
                values=lambda: values_of(training, loss),
            )
            weights = training.weighting(objectives).to(loss.dtype)
        move = step_separate_moments if training.steps_of else step_joint
        move(training, gradients, penalties, weights, lr_scale)
        prune_fleet(training)
    return loss, weights


def differentiate(
    training: Training, batch: Split, scale: Tensor | None
) -> tuple[Tensor, list[Tensor]]:
    """The loss of each network [K], and its gradients, `scale` [K] times, [K, *shape]."""
    values = training.fleet.parameters.values()
    for value in values:
        value.grad = None
    problem = training.problem
    outputs = training.fleet.forward(problem.inputs(batch.inputs), training.steps)
    loss = problem.loss.value(outputs, batch.targets).mean(1)
    # not torch.autograd.grad: a gradient in .grad lies in memory as its parameter does
    (loss if scale is None else loss * scale).sum().backward()
    gradients = [torch.zeros_like(v) if v.grad is None else v.grad for v in values]
    return loss.detach(), gradients


def penalty_gradients(training: Training) -> list[Tensor | None]:
    """The second objective's gradient for each parameter, `None` where it is no part of it.

    That is the complexity of the prunable weights; in the convolutional block of a split network
    `l2_conv` times the sum of squares of its convolutions' weights.
    """
    problem, run = training.problem, training.runs[0]
    prunable = set(problem.prunable)
    squared = set(problem.convolutions) if run.split else set()
    return [
        problem.complexity_gradient(name, value)
        if name in prunable
        else 2 * run.l2_conv * value
        if name in squared
        else None
        for name, value in training.fleet.parameters.items()
    ]


def values_of(training: Training, loss: Tensor) -> Tensor:
    """The two objectives of each block, [K, blocks, 2]; `loss` has shape [K]."""
    problem, run = training.problem, training.runs[0]
    seconds = [problem.complexity_of(training.fleet.parameters)]
    if run.split:
        kernels = [training.fleet.parameters[name] for name in problem.convolutions]
        squares = total(kernel.square().flatten(1).sum(1) for kernel in kernels)
        seconds.append(run.l2_conv * squares)
    return torch.stack([torch.stack((loss, second.to(loss)), dim=1) for second in seconds], dim=1)


def step_joint(
    training: Training,
    gradients: list[Tensor],
    penalty_gradients: list[Tensor | None],
    weights: Tensor,
    lr_scale: float,
) -> None:
    """Move all parameters against the weighted sum of their gradients, in one optimizer's steps.

    `gradients` and `penalty_gradients` [K, *shape] are in the order of the parameters, `weights`
    is [K, blocks, 2]; gradients of weighted sums come weighed already. The l2 term stands outside
    the sum.
    """
    names = training.fleet.parameters
    for name, gradient, penalty_gradient in zip(names, gradients, penalty_gradients, strict=True):
        own = weights[:, training.blocks[name]]
        if training.lams is None:
            gradient.mul_(beside(own[:, 0], gradient))
        if penalty_gradient is not None:
            gradient.addcmul_(penalty_gradient, beside(own[:, 1], gradient))
        add_decay(training, name, gradient)
    training.optimizers[BOTH].step(gradients, lr_scale)


def step_separate_moments(
    training: Training,
    gradients: list[Tensor],
    penalty_gradients: list[Tensor | None],
    weights: Tensor,
    lr_scale: float,
) -> None:
    """Move all parameters by the weighted sum of two optimizers' steps (the authors' MAdam).

    Arguments as in `step_joint`, with raw gradients; the l2 term belongs to the loss.
    """
    for name, gradient in zip(training.fleet.parameters, gradients, strict=True):
        add_decay(training, name, gradient)
    directions = {
        LOSS: gradients,
        COMPLEXITY: [
            penalty_gradient
            for penalty_gradient in penalty_gradients
            if penalty_gradient is not None
        ],
    }
    for objective, (kind, steps) in enumerate(training.steps_of.items()):
        torch._foreach_zero_(list(steps.values()))
        training.optimizers[kind].step(directions[kind], lr_scale)
        for name, step in steps.items():
            own = weights[:, training.blocks[name], objective]
            training.fleet.parameters[name].addcmul_(step, beside(own, step))


def beside(weights: Tensor, tensor: Tensor) -> Tensor:
    """Weights [K], in a shape that multiplies a tensor [K, *shape]."""
    return weights.view(-1, *[1] * (tensor.dim() - 1))


def add_decay(training: Training, name: str, direction: Tensor) -> None:
    """Add the gradient of `l2_conv` times the sum of squares of a convolution's weights.

    Not in a split network, where this is an objective.
    """
    run = training.runs[0]
    if run.l2_conv > 0 and not run.split and name in training.problem.convolutions:
        direction.add_(training.fleet.parameters[name], alpha=2 * run.l2_conv)
