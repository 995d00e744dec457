"""Checkpoint of a fleet: its complete state after an epoch, saved and restored.

The order of the samples and the dropout masks need no state, because they are keyed by epoch, step
and seed. So a resumed fleet ends bit for bit as an uninterrupted one.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from paretoprune.training.methods import METHODS
from paretoprune.training.step import Training

State = dict[str, np.ndarray]  # arrays by kind, objective and name: `network/1.weight`
History = list[dict[str, Tensor]]  # an entry per epoch: quantities [K, ...] by name

NETWORK, OPTIMIZER, HISTORY, METHOD = "network", "optimizer", "history", "method"
WEIGHTS = "weights"  # quantity of the history: the mean weights of the objectives
QUANTITIES = ("train_loss", "val_loss", "val_error", "complexity", "nonzeros", WEIGHTS)


@dataclass(frozen=True)
class Checkpoint:
    """A saved fleet.

    `seconds` is the time that its training has taken so far, `started_at` the time at which it
    began, in ISO 8601.
    """

    state: State
    seconds: float
    started_at: str


class Checkpointer(Protocol):
    """Loads and saves the checkpoints of one fleet, and decides which epochs are saved."""

    def load(self) -> Checkpoint | None:
        """Return the fleet's checkpoint, or `None` if there is none."""

    def save(
        self, epochs: int, seconds: float, started_at: str, state: Callable[[], State]
    ) -> None:
        """Save the fleet if that is worth it.

        Args:
            epochs: Number of epochs that are done.
            seconds: Seconds of training so far.
            started_at: Time at which the training began, in ISO 8601.
            state: Returns the state; it is called only if the fleet is saved.
        """

    def refuse(self, error: Exception) -> Exception:
        """Return the exception to raise if a checkpoint does not fit the fleet."""


def resume(training: Training, checkpointer: Checkpointer | None) -> tuple[History, float, str]:
    """Restore a new fleet from its checkpoint, if it has one.

    Args:
        training: The fleet; nothing of it has been trained yet.
        checkpointer: Loads the checkpoint; `None` if the fleet is not saved.

    Returns:
        The history of the epochs that are done, the seconds that they took, and the time at which
        the training began, in ISO 8601. Without a checkpoint it begins now.

    Raises:
        Exception: The one that `checkpointer.refuse` returns, if the checkpoint does not fit.
    """
    checkpoint = checkpointer.load() if checkpointer else None
    if checkpointer is None or checkpoint is None:
        return [], 0.0, datetime.now(UTC).isoformat(timespec="seconds")
    try:
        history = restore(training, checkpoint.state)
    except (ValueError, KeyError, IndexError, TypeError, RuntimeError) as error:
        raise checkpointer.refuse(error) from error
    return history, checkpoint.seconds, checkpoint.started_at


def state_of(training: Training, history: History) -> State:
    """Return the state of networks, optimizers and method, and the history, on the host."""
    state = {f"{NETWORK}/{name}": value for name, value in networks_of(training).items()}
    state |= {f"{METHOD}/{name}": value for name, value in training.rule.state.items()}
    for objective, optimizers in training.optimizers.items():
        for index, buffers in optimizers.optimizer.state_dict()["state"].items():
            for name, value in buffers.items():
                if value is not None:  # SGD has an empty momentum buffer if the momentum is 0
                    state[f"{OPTIMIZER}/{objective}/{index}/{name}"] = torch.as_tensor(value)
    for name in quantities_of(training):
        state[f"{HISTORY}/{name}"] = torch.stack([epoch[name] for epoch in history])
    return {name: value.detach().cpu().contiguous().numpy() for name, value in state.items()}


def quantities_of(training: Training) -> tuple[str, ...]:
    """Return the names of the quantities of the history, those of the method included."""
    return (*QUANTITIES, *METHODS[training.runs[0].method].quantities)


def networks_of(training: Training) -> dict[str, Tensor]:
    """Return all parameters and buffers of the fleet, [K, *shape] each, by name."""
    return {**training.fleet.parameters, **training.fleet.buffers}


def restore(training: Training, state: Mapping[str, np.ndarray]) -> History:
    """Restore a new fleet from a state; return the history of the epochs that are done.

    A state that belongs to another fleet raises `ValueError`, `KeyError`, `IndexError`, `TypeError`
    or `RuntimeError`.
    """
    names = quantities_of(training)
    history = {name: torch.from_numpy(state[f"{HISTORY}/{name}"]) for name in names}
    epochs, networks = history["weights"].shape[:2]
    if networks != len(training.runs) or not 0 < epochs < training.runs[0].epochs:
        raise ValueError(f"it is of {networks} networks after {epochs} epochs")
    for name, value in history.items():
        require_shape(name, value, (epochs, networks, *value.shape[2:]))
    with torch.no_grad():
        for kind, values in ((NETWORK, networks_of(training)), (METHOD, training.rule.state)):
            for name, value in values.items():
                saved = torch.from_numpy(state[f"{kind}/{name}"])
                require_shape(name, saved, value.shape)
                value.copy_(saved)
    for objective in training.optimizers:
        restore_optimizer(training, objective, state)
    batches = math.ceil(len(training.problem.data.train) / training.runs[0].batch_size)
    training.steps = epochs * batches
    columns = {name: value.to(training.problem.device) for name, value in history.items()}
    return [{name: value[epoch] for name, value in columns.items()} for epoch in range(epochs)]


def restore_optimizer(training: Training, objective: str, state: Mapping[str, np.ndarray]) -> None:
    """Restore the buffers that an optimizer keeps for each parameter, and nothing else of it."""
    optimizer = training.optimizers[objective].optimizer
    current = optimizer.state_dict()
    values = [value for group in optimizer.param_groups for value in group["params"]]
    saved: dict[int, dict[str, Tensor]] = {}
    for key, array in state.items():
        kind, _, rest = key.partition("/")
        objective_of_key, _, rest = rest.partition("/")
        if kind == OPTIMIZER and objective_of_key == objective:
            index, _, name = rest.partition("/")
            tensor = torch.from_numpy(array)  # the optimizer moves it to its device
            if tensor.dim():  # otherwise it is a count of steps
                require_shape(key, tensor, values[int(index)].shape)
            saved.setdefault(int(index), {})[name] = tensor
    optimizer.load_state_dict({**current, "state": saved})


def require_shape(name: str, value: Tensor, shape: tuple[int, ...]) -> None:
    """Raise `ValueError` if a tensor has another shape."""
    if tuple(value.shape) != tuple(shape):
        raise ValueError(f"{name} is {list(value.shape)}, not {list(shape)}")
