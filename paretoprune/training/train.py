"""The training loop: one fleet from its initial weights to its points."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from paretoprune.problem.problem import Evaluation, Problem, evaluate, fill
from paretoprune.pruning.compaction import compact
from paretoprune.pruning.flops import sizes_of
from paretoprune.pruning.penalties import nonzeros, total
from paretoprune.study.run import Layer, Point, Run
from paretoprune.training.checkpoint import Keeper, go_on, state_of
from paretoprune.training.fleet import Fleet
from paretoprune.training.optimizers import SCHEDULES
from paretoprune.training.step import CONVOLUTIONAL, DENSE, Training, begin, take_step

# A network whose loss is within 1 % of the constant prediction's has learnt nothing: its biases
# alone, still a little noisy, may undercut that loss by less than this.
COLLAPSED_SHARE = 0.99
SEEN = 8  # samples on which a network is looked at without its dead neurons

# What the history calls the mean weights of a block's objectives.
BLOCK_WEIGHTS = {
    DENSE: ("loss_weight", "complexity_weight"),
    CONVOLUTIONAL: ("conv_loss_weight", "conv_l2_weight"),
}

Report = Callable[[int, int], None]  # steps done, steps in all


@dataclass(frozen=True)
class Outcome:
    """A point with its weights (parameters and buffers by name) and its history (by quantity)."""

    point: Point
    weights: dict[str, np.ndarray]
    history: dict[str, list[float]]


def train_fleet(
    runs: Sequence[Run], problem: Problem, report: Report, keeper: Keeper | None = None
) -> list[Outcome]:
    """Train runs together; they share all but lam, seed, learning rate and threshold.

    `report` is called after every step, and must not wait for the device; `keeper`, if there is
    one, after every epoch but the last. A run whose loss does not stay finite ends as `diverged`
    and does not touch the others.
    """
    training, epochs = begin(runs, problem), runs[0].epochs
    history, before, started_at = go_on(training, keeper)
    clock = time.perf_counter() - before
    for epoch in range(len(history), epochs):
        loss, weights = train_epoch(training, epoch, report)
        history.append({"train_loss": loss, **snapshot(training), "weights": weights})
        if keeper is not None and epoch + 1 < epochs:
            state = partial(state_of, training, history)
            keeper.save(epoch + 1, time.perf_counter() - clock, started_at, state)
    points = measure(training, clock, started_at)
    return [
        Outcome(point, weights_of(training.fleet, index), history_of(history, index))
        for index, point in enumerate(points)
    ]


def train_epoch(training: Training, epoch: int, report: Report) -> tuple[Tensor, Tensor]:
    """Train one epoch; return the mean loss [K] and objectives' weights [K, blocks, 2]."""
    run, data = training.runs[0], training.problem.data.train
    batches = training.problem.order(epoch).split(run.batch_size)
    losses = torch.zeros(len(training.runs), device=training.problem.device)
    weights = losses.new_zeros(len(training.runs), max(training.blocks.values()) + 1, 2)
    for batch in batches:
        progress = training.steps / (run.epochs * len(batches))
        factor, warmth = SCHEDULES[run.schedule](progress), warmth_of(run, progress)
        loss, chosen = take_step(training, data[batch], factor, warmth)
        losses += loss * (len(batch) / len(data))
        weights += chosen / len(batches)
        report(training.steps, run.epochs * len(batches))
    return losses, weights


def warmth_of(run: Run, progress: float) -> float:
    """The share of lam that counts: it rises evenly from 0 to 1 while the run warms up."""
    return 1.0 if progress >= run.warm_up else progress / run.warm_up


def snapshot(training: Training) -> dict[str, Tensor]:
    """Validation loss and error, complexity and nonzeros of each network, [K] each."""
    problem = training.problem
    validation = evaluate(training.fleet, problem, problem.data.validation)
    weights = [tensor.detach() for tensor in problem.prunable_weights(training.fleet)]
    return {
        "val_loss": validation.loss,
        "val_error": validation.error,
        "complexity": problem.complexity_of(training.fleet.parameters),
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
    own = {name: training.fleet.parameters[name][index : index + 1] for name in problem.prunable}
    train_loss, val_loss = train.loss[index].item(), validation.loss[index].item()
    complexity = problem.complexity_of(own).item()
    failure = why_diverged(train_loss, val_loss, complexity)
    return Point(
        run=training.runs[index],
        status="diverged" if failure else "done",
        failure=failure,
        train_loss=train_loss,
        val_loss=val_loss,
        val_loss_se=validation.loss_se[index].item(),
        val_error=validation.error[index].item(),
        test_loss=test.loss[index].item(),
        test_error=test.error[index].item(),
        complexity=complexity,
        l1=sum(layer.l1 for layer in layers),
        nonzeros=sum(layer.nonzeros for layer in layers),
        prunable_weights=sum(int(np.prod(layer.shape)) for layer in layers),
        collapsed=not failure and val_loss > COLLAPSED_SHARE * problem.constant_loss,
        layers=layers,
        **({} if failure else sizes_in(training, index)),
        seconds=seconds / networks,
        fleet_size=networks,
        device=problem.device.type,
        started_at=started_at,
    )


def why_diverged(*values: float) -> str:
    """Why losses and complexity are not those of a network; nothing where they are."""
    if not np.isfinite(values).all():
        return "the loss did not stay finite: try a smaller --lr"
    return "the loss fell below 0: --loss must not" if min(values) < 0 else ""


def sizes_in(training: Training, index: int) -> dict[str, int]:
    """How large one network is, as it stands and without what is dead in it.

    Nothing where it cannot be counted: no reason to lose what was trained.
    """
    problem, fleet = training.problem, training.fleet
    inputs = problem.inputs(problem.data.validation[:SEEN].inputs)
    try:
        network = problem.network(fleet.seeds[index]).to(problem.device)
        fill(network, {name: tensor[index] for name, tensor in fleet.tensors.items()})
        stored, left = sizes_of(network, inputs), sizes_of(compact(network, inputs).network, inputs)
    except Exception:  # a stranger's module may raise anything, when it is copied too
        return {}
    return {
        "parameters": stored.parameters,
        "compact_parameters": left.parameters,
        "neurons": left.neurons,
        "dense_flops": stored.dense_flops,
        "flops": stored.flops,
        "compact_flops": left.dense_flops,
    }


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
        for name, value in fleet.tensors.items()
    }


def history_of(history: list[dict[str, Tensor]], index: int) -> dict[str, list[float]]:
    """One network's column per quantity, a row per epoch counted from 1."""
    own = {name: [epoch[name][index] for epoch in history] for name in history[0]}
    weights = torch.stack(own.pop("weights")).tolist()  # [epochs, blocks, 2]
    columns = {
        "epoch": [float(epoch) for epoch in range(1, len(history) + 1)],
        **{name: [float(value) for value in values] for name, values in own.items()},
    }
    for block, names in BLOCK_WEIGHTS.items():
        for objective, name in enumerate(names):
            if block < len(weights[0]):
                columns[name] = [epoch[block][objective] for epoch in weights]
    return columns
