"""Training step of a fleet: gradients, their weights, the optimizer's step, and pruning."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from paretoprune.problem.datasets import Split
from paretoprune.problem.problem import Problem
from paretoprune.pruning.threshold import prune
from paretoprune.study.run import Run
from paretoprune.training.fleet import Fleet
from paretoprune.training.methods import METHODS
from paretoprune.training.methods.gradient_weights import GradientFacts, gram_matrices
from paretoprune.training.methods.step_rule import StepRule
from paretoprune.training.optimizers import StackedOptimizer, contiguous_groups
from paretoprune.training.prepare import Prepared

BOTH, LOSS, COMPLEXITY = "both", "loss", "complexity"  # objectives that an optimizer minimises


@dataclass(frozen=True)
class Starts:
    """Weights from which runs start: parameters and buffers by name, by the id of the parent."""

    weights: Mapping[str, Mapping[str, np.ndarray]]


@dataclass
class Training:
    """State of a fleet that is being trained.

    Attributes:
        fleet: The K networks.
        prepared: The problem, prepared for training.
        runs: The runs of the networks.
        rule: The rule of the steps, which the method of the runs has made.
        optimizers: The optimizers by objective, `both` if moments are joint.
        steps_of: With separate moments, the step of each objective's optimizer for each parameter,
            [K, *shape], by objective and name. The parameters are changed by the weighted sum of
            these steps. Empty with joint moments.
        thresholds: The pruning threshold of each contiguous group of networks.
        steps: Number of steps that are done.
    """

    fleet: Fleet
    prepared: Prepared
    runs: Sequence[Run]
    rule: StepRule
    optimizers: dict[str, StackedOptimizer]
    steps_of: dict[str, dict[str, Tensor]]
    thresholds: list[tuple[slice, float]]
    steps: int = 0

    @property
    def problem(self) -> Problem:
        """The problem that is trained."""
        return self.prepared.problem

    @property
    def prunable_weights(self) -> list[Tensor]:
        """The prunable tensors of the fleet, [K, *shape] each."""
        return [self.fleet.parameters[name] for name in self.problem.prunable]


def begin(runs: Sequence[Run], prepared: Prepared, starts: Starts | None = None) -> Training:
    """Stack the initial networks of the runs, and prune them once.

    Args:
        runs: The runs; those with a parent begin with its weights.
        prepared: The problem that is trained.
        starts: The weights of the parents; `None` if no run has one.
    """
    problem, first = prepared.problem, runs[0]
    fleet = prepared.fleet([run.seed for run in runs])
    for index, run in enumerate(runs):
        if run.parent is not None and starts is not None:
            fill_network(fleet, index, starts.weights[run.parent])
    rule = METHODS[first.method].begin(runs, fleet, problem)
    is_joint = first.moments == "joint"
    changed = {BOTH: fleet.parameters} if is_joint else separate_steps(fleet, rule)
    rates = [run.learning_rate for run in runs]
    training = Training(
        fleet=fleet,
        prepared=prepared,
        runs=runs,
        rule=rule,
        optimizers={
            objective: StackedOptimizer(
                first.optimizer,
                list(values.values()),
                rates,
                first.momentum,
                is_stacked=prepared.is_stacked,
            )
            for objective, values in changed.items()
        },
        steps_of={} if is_joint else changed,
        thresholds=contiguous_groups([run.threshold for run in runs]),
    )
    prune_fleet(training)
    return training


@torch.no_grad()
def fill_network(fleet: Fleet, index: int, weights: Mapping[str, np.ndarray]) -> None:
    """Copy weights into the network at an index, in place."""
    for name, tensor in fleet.tensors.items():
        if name in weights:
            tensor[index].copy_(torch.from_numpy(weights[name]))


def prune_fleet(training: Training) -> None:
    """Set the weights within each network's threshold to zero."""
    is_grouped = training.problem.complexity.is_grouped
    prune(training.prunable_weights, training.thresholds, is_grouped)


def separate_steps(fleet: Fleet, rule: StepRule) -> dict[str, dict[str, Tensor]]:
    """Return zeros for the steps of two optimizers, [K, *shape], by objective and parameter.

    The complexity has steps only for the parameters that the second objective depends on.
    """
    values = fleet.parameters.items()
    return {
        LOSS: {name: torch.zeros_like(value) for name, value in values},
        COMPLEXITY: {
            name: torch.zeros_like(value) for name, value in values if name in rule.penalized
        },
    }


def take_step(
    training: Training, batch: Split, lr_scale: float, lam_scale: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Train all networks of a fleet for one step.

    The networks are independent, so the gradient of the sum of their losses contains the gradient
    of each network.

    Args:
        training: The fleet, which is changed in place.
        batch: The mini-batch, the same for all networks.
        lr_scale: Factor of the learning rates.
        lam_scale: Factor of the lams.

    Returns:
        The loss of each network before the step [K], and the weights of the objectives
        [K, blocks, 2].
    """
    training.steps += 1
    rule = training.rule
    weights = None if rule.known is None else rule.known(lam_scale)
    # weights that are known beforehand scale the losses, which is cheaper than the gradients
    scale = None if weights is None or training.steps_of else weights[:, 0, 0]
    loss, gradients = differentiate(training, batch, scale)
    with torch.no_grad():
        penalties = penalty_gradients(training)
        if weights is None and rule.weighting is not None:
            facts = GradientFacts(
                gram=lambda: gram_matrices(gradients, penalties, list(rule.blocks.values())),
                values=lambda: values_of(training, loss),
            )
            weights = rule.weighting(facts).to(loss.dtype)
        assert weights is not None  # a rule has weights or a weighting
        step = step_separate_moments if training.steps_of else step_joint
        step(training, gradients, penalties, weights, lr_scale)
        prune_fleet(training)
        rule.after_step()
    return loss, weights


def differentiate(
    training: Training, batch: Split, scale: Tensor | None
) -> tuple[Tensor, list[Tensor]]:
    """Return the loss of each network [K], and the gradient for each parameter [K, *shape].

    The gradients are those of the loss times `scale` [K], if it is given.
    """
    values = training.fleet.parameters.values()
    for value in values:
        value.grad = None
    problem = training.problem
    outputs = training.fleet.forward(problem.inputs(batch.inputs), training.steps)
    loss = problem.loss.value(outputs, batch.targets).mean(1)
    # unlike torch.autograd.grad, .grad has the memory layout of its parameter
    (loss if scale is None else loss * scale).sum().backward()
    gradients = [torch.zeros_like(v) if v.grad is None else v.grad for v in values]
    return loss.detach(), gradients


def penalty_gradients(training: Training) -> list[Tensor | None]:
    """Return the gradient of the second objective for each parameter, [K, *shape].

    `None` stands for a parameter that it does not depend on.
    """
    rule = training.rule
    return [
        rule.penalty_gradient(name, value) if name in rule.penalized else None
        for name, value in training.fleet.parameters.items()
    ]


def values_of(training: Training, loss: Tensor) -> Tensor:
    """Return the two objectives of each block, [K, blocks, 2]; `loss` has shape [K]."""
    penalties = training.rule.penalties(training.fleet.parameters)
    return torch.stack([torch.stack((loss, value.to(loss)), dim=1) for value in penalties], dim=1)


def step_joint(
    training: Training,
    gradients: list[Tensor],
    penalty_gradients: list[Tensor | None],
    weights: Tensor,
    lr_scale: float,
) -> None:
    """Update all parameters with one optimizer, by the weighted sum of their gradients.

    The gradient of the l2 term is added to the sum without a weight.

    Args:
        training: The fleet, which is changed in place.
        gradients: Gradient of the loss for each parameter, [K, *shape]; changed in place. With
            weighted sums it is already multiplied by its weight.
        penalty_gradients: Gradient of the second objective for each parameter, [K, *shape]; `None`
            for a parameter that it does not depend on.
        weights: Weights of the objectives, [K, blocks, 2].
        lr_scale: Factor of the learning rates.
    """
    names = training.fleet.parameters
    for name, gradient, penalty_gradient in zip(names, gradients, penalty_gradients, strict=True):
        block_weights = weights[:, training.rule.blocks[name]]  # [K, 2]
        if training.rule.known is None:
            gradient.mul_(expand(block_weights[:, 0], gradient))
        if penalty_gradient is not None:
            gradient.addcmul_(penalty_gradient, expand(block_weights[:, 1], gradient))
        add_decay(training, name, gradient)
    training.optimizers[BOTH].step(gradients, lr_scale)


def step_separate_moments(
    training: Training,
    gradients: list[Tensor],
    penalty_gradients: list[Tensor | None],
    weights: Tensor,
    lr_scale: float,
) -> None:
    """Update all parameters by the weighted sum of two optimizers' steps (the authors' MAdam).

    The arguments are those of `step_joint`, but all gradients are raw. The l2 term belongs to the
    loss.
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
            step_weights = weights[:, training.rule.blocks[name], objective]  # [K]
            training.fleet.parameters[name].addcmul_(step, expand(step_weights, step))


def expand(weights: Tensor, tensor: Tensor) -> Tensor:
    """Reshape weights [K] so that they multiply a tensor [K, *shape]."""
    return weights.view(-1, *[1] * (tensor.dim() - 1))


def add_decay(training: Training, name: str, direction: Tensor) -> None:
    """Add the gradient of `l2_conv` times the sum of squares of a decayed parameter, in place."""
    if name in training.rule.decayed:
        factor = 2 * training.runs[0].l2_conv
        direction.add_(training.fleet.parameters[name], alpha=factor)
