"""Outcome of a training: the point, weights and history of each network."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from torch import Tensor

from paretoprune.problem.problem import fill
from paretoprune.pruning.compaction import compact
from paretoprune.pruning.flops import counts_of
from paretoprune.study.run import Layer, Point
from paretoprune.study.user_code import in_short
from paretoprune.training.checkpoint import WEIGHTS
from paretoprune.training.evaluate import Evaluation
from paretoprune.training.fleet import Fleet
from paretoprune.training.methods import METHODS, Method
from paretoprune.training.step import Training

# A network whose loss is within 1 % of that of the constant prediction has learnt nothing: biases
# alone, which are still a little noisy, may undercut that loss by less than this.
COLLAPSED_SHARE = 0.99
COUNTED_SAMPLES = 8  # samples of the forward pass in which FLOPs are counted


@dataclass(frozen=True)
class Outcome:
    """Result of the training of one run.

    Attributes:
        point: The row of the run.
        weights: Parameters and buffers by name.
        history: Columns by quantity, with one value per epoch.
        notes: Sentences that tell the user what is missing in the point.
    """

    point: Point
    weights: dict[str, np.ndarray]
    history: dict[str, list[float]]
    notes: tuple[str, ...] = ()


def outcomes_of(
    training: Training,
    history: list[dict[str, Tensor]],
    evaluations: Sequence[Evaluation],
    seconds: float,
    started_at: str,
) -> list[Outcome]:
    """Return the outcome of each run of a fleet whose last epoch is done.

    Args:
        training: The fleet in its final state.
        history: One entry per epoch: quantities [K, ...] by name.
        evaluations: The evaluations on training, validation and test data, in this order.
        seconds: Duration of the training of the whole fleet.
        started_at: Time at which the training began, in ISO 8601.
    """
    return [
        outcome_of(training, index, history, evaluations, seconds, started_at)
        for index in range(len(training.runs))
    ]


def outcome_of(
    training: Training,
    index: int,
    history: list[dict[str, Tensor]],
    evaluations: Sequence[Evaluation],
    seconds: float,
    started_at: str,
) -> Outcome:
    """Return the outcome of the network at `index`; the other arguments as in `outcomes_of`."""
    point = point_of(training, index, evaluations, seconds, started_at)
    point, notes = with_sizes(point, training, index) if point.status == "done" else (point, ())
    return Outcome(
        point=point,
        weights=weights_of(training.fleet, index),
        history=history_of(history, index, METHODS[point.run.method]),
        notes=notes,
    )


def point_of(
    training: Training,
    index: int,
    evaluations: Sequence[Evaluation],
    seconds: float,
    started_at: str,
) -> Point:
    """Return the point of one network, without the sizes that `with_sizes` adds."""
    problem, prepared, networks = training.problem, training.prepared, len(training.runs)
    train, validation, test = evaluations
    layers = layers_of(training, index)
    prunable = {
        name: training.fleet.parameters[name][index : index + 1] for name in problem.prunable
    }
    train_loss, val_loss = train.loss[index].item(), validation.loss[index].item()
    complexity = problem.complexity_of(prunable).item()
    failure = why_diverged(train_loss, val_loss, complexity)
    left = sum(layer.nonzeros for layer in layers)
    weights = sum(int(np.prod(layer.shape)) for layer in layers)
    return Point(
        run=training.runs[index],
        status="diverged" if failure else "done",
        failure=failure,
        values={
            "train_loss": train_loss,
            "val_loss": val_loss,
            "val_loss_se": validation.loss_se[index].item(),
            "val_error": validation.error[index].item(),
            "test_loss": test.loss[index].item(),
            "test_error": test.error[index].item(),
            "complexity": complexity,
            "l1": sum(layer.l1 for layer in layers),
            "nonzeros": left,
            "prunable_weights": weights,
            "sparsity": 1 - left / weights,
            "collapsed": not failure and val_loss > COLLAPSED_SHARE * prepared.constant_loss,
            "layers": [asdict(layer) for layer in layers],
            "seconds": seconds / networks,
            "fleet_size": networks,
            "device": problem.device.type,
            "started_at": started_at,
            **training.rule.values(index),
        },
    )


def why_diverged(*values: float) -> str:
    """Return why a run counts as diverged, given its losses and its complexity; empty if not."""
    if not np.isfinite(values).all():
        return "the loss did not stay finite: try a smaller --lr"
    return "the loss fell below 0: --loss must not" if min(values) < 0 else ""


def with_sizes(point: Point, training: Training, index: int) -> tuple[Point, tuple[str, ...]]:
    """Add the sizes of one network, as trained and without dead units, to its point.

    If the sizes cannot be counted, the point stays as it is and a note says why, so that the
    trained network is not lost.

    Returns:
        The point, and the notes.
    """
    problem, fleet = training.problem, training.fleet
    inputs = problem.inputs(problem.data.validation[:COUNTED_SAMPLES].inputs)
    try:
        network = problem.network(fleet.seeds[index]).to(problem.device)
        fill(network, {name: tensor[index] for name, tensor in fleet.tensors.items()})
        stored, compacted = (
            counts_of(network, inputs),
            counts_of(compact(network, inputs).network, inputs),
        )
    except Exception as error:  # a user's module may raise anything, also when it is copied
        note = f"its FLOPs, neurons and compact size cannot be counted: {in_short(error)}"
        return point, (note,)
    sizes = {
        "parameters": stored.parameters,
        "compact_parameters": compacted.parameters,
        "neurons": compacted.neurons,
        "dense_flops": stored.dense_flops,
        "flops": stored.flops,
        "compact_flops": compacted.dense_flops,
    }
    return replace(point, values={**point.values, **sizes}), ()


def layers_of(training: Training, index: int) -> tuple[Layer, ...]:
    """Return the shape, the nonzeros and the l1 norm of each prunable tensor of one network."""
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
    """Return all parameters and buffers of one network, by name."""
    return {
        name: value.detach()[index].cpu().contiguous().numpy()
        for name, value in fleet.tensors.items()
    }


def history_of(
    history: list[dict[str, Tensor]], index: int, method: Method
) -> dict[str, list[float]]:
    """Return the history of one network as columns, with one row per epoch, counted from 1."""
    quantities = {name: [epoch[name][index] for epoch in history] for name in history[0]}
    weights = torch.stack(quantities.pop(WEIGHTS)).tolist()  # [epochs, blocks, 2]
    columns = {
        "epoch": [float(epoch) for epoch in range(1, len(history) + 1)],
        **{name: [float(value) for value in values] for name, values in quantities.items()},
    }
    for block in range(len(weights[0])):
        for objective, name in enumerate(method.weights[block]):
            columns[name] = [epoch[block][objective] for epoch in weights]
    return columns
