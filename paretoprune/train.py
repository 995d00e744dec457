"""The training loop: one fleet from its initial weights to its points."""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import torch
from torch import Tensor

from paretoprune.combine import METHODS, Combine, gram_matrices
from paretoprune.complexity import nonzeros, total
from paretoprune.fleet import Fleet
from paretoprune.problem import Evaluation, Problem, cross_entropy, evaluate
from paretoprune.pruning import prune
from paretoprune.run import Layer, Point, Run
from paretoprune.updates import SCHEDULES, UPDATES, State

# A network whose loss is within 1 % of the constant prediction's has learnt nothing: its biases
# alone, still a little noisy, may undercut that loss by less than this.
COLLAPSED_SHARE = 0.99

Report = Callable[[int, int], None]  # steps done, steps in all


@dataclass(frozen=True)
class Outcome:
    """A point with its weights (parameters and buffers by name) and its history (by quantity)."""

    point: Point
    weights: dict[str, np.ndarray]
    history: dict[str, list[float]]


@dataclass
class Training:
    """A fleet in the midst of its training."""

    fleet: Fleet
    problem: Problem
    combine: Combine
    runs: Sequence[Run]
    states: dict[tuple[str, str], State]  # by parameter and objective
    rates: Tensor  # [K]
    thresholds: Tensor  # [K]
    steps: int = 0


def train_fleet(runs: Sequence[Run], problem: Problem, report: Report) -> list[Outcome]:
    """Train runs together; they share all but lam, seed, learning rate and threshold.

    `report` is called after every step, and must not wait for the device. A run whose loss does
    not stay finite ends as `diverged` and does not touch the others.
    """
    started_at, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
    training = begin(runs, problem)
    epochs = runs[0].epochs
    history: list[dict[str, Tensor]] = []
    for epoch in range(epochs):
        loss, weights = train_epoch(training, epoch, report)
        history.append({"train_loss": loss, **snapshot(training), "weights": weights})
    points = measure(training, clock, started_at)
    return [
        Outcome(point, weights_of(training.fleet, index), history_of(history, index))
        for index, point in enumerate(points)
    ]


def begin(runs: Sequence[Run], problem: Problem) -> Training:
    """Stack the networks of the runs and prune them once."""
    first, device = runs[0], problem.device
    fleet = problem.fleet([run.seed for run in runs])
    dtype = torch.get_default_dtype()
    training = Training(
        fleet=fleet,
        problem=problem,
        combine=METHODS[first.method](
            torch.tensor([run.lam for run in runs], device=device, dtype=dtype)
        ),
        runs=runs,
        states=defaultdict(dict),
        rates=torch.tensor([run.learning_rate for run in runs], device=device, dtype=dtype),
        thresholds=torch.tensor([run.threshold for run in runs], device=device, dtype=dtype),
    )
    prune(problem.prunable_weights(fleet), training.thresholds)
    return training


def train_epoch(training: Training, epoch: int, report: Report) -> tuple[Tensor, Tensor]:
    """Train one epoch; return the mean mini-batch loss [K] and objectives' weights [K, 2]."""
    run, data = training.runs[0], training.problem.data.train
    batches = training.problem.order(epoch).split(run.batch_size)
    losses = torch.zeros_like(training.rates)
    weights = losses.new_zeros(len(training.runs), 2)
    for batch in batches:
        factor = SCHEDULES[run.schedule](training.steps / (run.epochs * len(batches)))
        loss, chosen = take_step(training, data.images[batch], data.labels[batch], factor)
        losses += loss * (len(batch) / len(data))
        weights += chosen / len(batches)
        report(training.steps, run.epochs * len(batches))
    return losses, weights


def take_step(
    training: Training, images: Tensor, labels: Tensor, factor: float
) -> tuple[Tensor, Tensor]:
    """Take one step; return each network's loss [K] and its objectives' weights [K, 2].

    `images` [B, C, H, W] and `labels` [B] are one mini-batch for all networks; `factor` scales
    the learning rates. The networks are independent, so the gradient of the sum of their losses
    holds each network's own gradient.
    """
    problem, parameters = training.problem, training.fleet.parameters
    training.steps += 1
    logits = training.fleet.forward(problem.inputs(images), training.steps)
    loss = cross_entropy(logits, labels).mean(1)  # [K]
    gradients = torch.autograd.grad(loss.sum(), list(parameters.values()))
    prunable = set(problem.prunable)
    with torch.no_grad():
        costs = [
            problem.complexity.gradient(value) if name in prunable else None
            for name, value in parameters.items()
        ]
        weights = training.combine(lambda: gram_matrices(gradients, costs))  # [K, 2]
        for name, gradient, cost in zip(parameters, gradients, costs, strict=True):
            move(training, name, gradient, cost, weights, training.rates * factor)
        prune(problem.prunable_weights(training.fleet), training.thresholds)
    return loss.detach(), weights


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
    """Add the gradient of `l2_conv` times the sum of squares of a convolution's weights."""
    l2 = training.runs[0].l2_conv
    if l2 > 0 and name in training.problem.convolutions:
        direction.add_(training.fleet.parameters[name], alpha=2 * l2)
    return direction


def step(training: Training, name: str, objective: str, direction: Tensor, rates: Tensor) -> None:
    """Let the optimizer move one parameter of all networks."""
    run, state = training.runs[0], training.states[name, objective]
    value = training.fleet.parameters[name]
    UPDATES[run.optimizer](value, direction, state, rates, training.steps, run.momentum)


def snapshot(training: Training) -> dict[str, Tensor]:
    """Validation loss and error, complexity and nonzeros of each network, [K] each."""
    problem = training.problem
    validation = evaluate(training.fleet, problem, problem.data.validation)
    weights = [tensor.detach() for tensor in problem.prunable_weights(training.fleet)]
    return {
        "val_loss": validation.loss,
        "val_error": validation.error,
        "complexity": total(problem.complexity.value(tensor) for tensor in weights),
        "nonzeros": total(nonzeros(tensor) for tensor in weights),
    }


def measure(training: Training, clock: float, started_at: str) -> list[Point]:
    """Evaluate the final networks on training, validation and test data; stop the `clock`."""
    problem = training.problem
    parts = (problem.data.train, problem.data.validation, problem.data.test)
    evaluations = [evaluate(training.fleet, problem, part) for part in parts]
    seconds = time.perf_counter() - clock
    return [
        point_of(training, index, evaluations, seconds, started_at)
        for index in range(len(training.runs))
    ]


def point_of(
    training: Training,
    index: int,
    evaluations: list[Evaluation],
    seconds: float,
    started_at: str,
) -> Point:
    """Gather what came out of one network."""
    problem, networks = training.problem, len(training.runs)
    train, validation, test = evaluations
    layers = layers_of(training, index)
    own = (
        tensor.detach()[index : index + 1] for tensor in problem.prunable_weights(training.fleet)
    )
    train_loss, val_loss = train.loss[index].item(), validation.loss[index].item()
    finite = bool(np.isfinite([train_loss, val_loss]).all())
    return Point(
        run=training.runs[index],
        status="done" if finite else "diverged",
        failure="" if finite else "the loss did not stay finite: try a smaller --lr",
        train_loss=train_loss,
        val_loss=val_loss,
        val_loss_se=validation.loss_se[index].item(),
        val_error=validation.error[index].item(),
        test_loss=test.loss[index].item(),
        test_error=test.error[index].item(),
        complexity=total(problem.complexity.value(tensor) for tensor in own).item(),
        l1=sum(layer.l1 for layer in layers),
        nonzeros=sum(layer.nonzeros for layer in layers),
        prunable_weights=sum(int(np.prod(layer.shape)) for layer in layers),
        collapsed=finite and val_loss > COLLAPSED_SHARE * problem.constant_loss,
        layers=layers,
        seconds=seconds / networks,
        fleet_size=networks,
        device=problem.device.type,
        started_at=started_at,
    )


def layers_of(training: Training, index: int) -> tuple[Layer, ...]:
    """Count each prunable tensor of one network."""
    tensors = {
        name: training.fleet.parameters[name].detach()[index] for name in training.problem.prunable
    }
    return tuple(
        Layer(
            name=name,
            shape=tuple(tensor.shape),
            nonzeros=int(tensor.count_nonzero().item()),
            l1=tensor.abs().double().sum().item(),
        )
        for name, tensor in tensors.items()
    )


def weights_of(fleet: Fleet, index: int) -> dict[str, np.ndarray]:
    """All parameters and buffers of one network, by name."""
    return {
        name: value.detach()[index].cpu().contiguous().numpy()
        for name, value in (*fleet.parameters.items(), *fleet.buffers.items())
    }


def history_of(history: list[dict[str, Tensor]], index: int) -> dict[str, list[float]]:
    """One network's column per quantity, a row per epoch counted from 1."""
    own = {name: [epoch[name][index] for epoch in history] for name in history[0]}
    weights = [pair.tolist() for pair in own.pop("weights")]
    return {
        "epoch": [float(epoch) for epoch in range(1, len(history) + 1)],
        **{name: [float(value) for value in values] for name, values in own.items()},
        "loss_weight": [pair[0] for pair in weights],
        "complexity_weight": [pair[1] for pair in weights],
    }
