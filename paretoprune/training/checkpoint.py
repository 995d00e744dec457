"""Checkpoint of a fleet: all its state after an epoch, taken and restored.

Nothing else decides how a training goes on: the order of the images and the masks of dropout are
keyed by epoch, step and seed. So a fleet that goes on ends bit for bit as if nothing had happened.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from paretoprune.training.step import Training

State = dict[str, np.ndarray]  # arrays by kind, objective and name: `network/1.weight`
History = list[dict[str, Tensor]]  # an entry an epoch, of quantities [K, ...] by name

NETWORK, OPTIMIZER, HISTORY = "network", "optimizer", "history"
QUANTITIES = ("train_loss", "val_loss", "val_error", "complexity", "nonzeros", "weights")


@dataclass(frozen=True)
class Checkpoint:
    """How far a fleet has come that began at `started_at`: `seconds` are those of training."""

    state: State
    seconds: float
    started_at: str


class Checkpointer(Protocol):
    """Keeps a fleet in the midst of its training, where that is worth it."""

    def load(self) -> Checkpoint | None:
        """What was kept of this fleet."""

    def save(
        self, epochs: int, seconds: float, started_at: str, state: Callable[[], State]
    ) -> None:
        """Keep the state after so many epochs; it is only asked for where it is kept."""

    def refuse(self, error: Exception) -> Exception:
        """What to raise where what was kept does not fit."""


def resume(training: Training, checkpointer: Checkpointer | None) -> tuple[History, float, str]:
    """Set a fleet that has just begun to what was kept of it: history, seconds, when it began."""
    begun = checkpointer.load() if checkpointer else None
    if checkpointer is None or begun is None:
        return [], 0.0, datetime.now(UTC).isoformat(timespec="seconds")
    try:
        history = restore(training, begun.state)
    except (ValueError, KeyError, IndexError, TypeError, RuntimeError) as error:
        raise checkpointer.refuse(error) from error
    return history, begun.seconds, begun.started_at


def state_of(training: Training, history: History) -> State:
    """The networks, their optimizers and the history, on the host."""
    state = {f"{NETWORK}/{name}": value for name, value in networks_of(training).items()}
    for objective, optimizers in training.optimizers.items():
        for index, own in optimizers.optimizer.state_dict()["state"].items():
            for name, value in own.items():
                if value is not None:  # the buffer of a momentum of 0
                    state[f"{OPTIMIZER}/{objective}/{index}/{name}"] = torch.as_tensor(value)
    for name in QUANTITIES:
        state[f"{HISTORY}/{name}"] = torch.stack([epoch[name] for epoch in history])
    return {name: value.detach().cpu().contiguous().numpy() for name, value in state.items()}


def networks_of(training: Training) -> dict[str, Tensor]:
    """All parameters and buffers of the fleet, [K, *shape], by name."""
    return {**training.fleet.parameters, **training.fleet.buffers}


def restore(training: Training, state: Mapping[str, np.ndarray]) -> History:
    """Set a fleet that has just begun to a state; return the history of its epochs.

    Raises one of several errors where the state is another fleet's.
    """
    history = {name: torch.from_numpy(state[f"{HISTORY}/{name}"]) for name in QUANTITIES}
    epochs, networks = history["weights"].shape[:2]
    if networks != len(training.runs) or not 0 < epochs < training.runs[0].epochs:
        raise ValueError(f"it is of {networks} networks after {epochs} epochs")
    for name, value in history.items():
        require_shape(name, value, (epochs, networks, *value.shape[2:]))
    with torch.no_grad():
        for name, value in networks_of(training).items():
            kept = torch.from_numpy(state[f"{NETWORK}/{name}"])
            require_shape(name, kept, value.shape)
            value.copy_(kept)
    for objective in training.optimizers:
        restore_optimizer(training, objective, state)
    batches = math.ceil(len(training.problem.data.train) / training.runs[0].batch_size)
    training.steps = epochs * batches
    columns = {name: value.to(training.problem.device) for name, value in history.items()}
    return [{name: value[epoch] for name, value in columns.items()} for epoch in range(epochs)]


def restore_optimizer(training: Training, objective: str, state: Mapping[str, np.ndarray]) -> None:
    """Set what an optimizer remembers of each parameter, and nothing else of it."""
    optimizer = training.optimizers[objective].optimizer
    own = optimizer.state_dict()
    values = [value for group in optimizer.param_groups for value in group["params"]]
    kept: dict[int, dict[str, Tensor]] = {}
    for key, array in state.items():
        kind, _, rest = key.partition("/")
        name_of, _, rest = rest.partition("/")
        if kind == OPTIMIZER and name_of == objective:
            index, _, name = rest.partition("/")
            tensor = torch.from_numpy(array)  # its optimizer knows on which device
            if tensor.dim():  # else a count of steps
                require_shape(key, tensor, values[int(index)].shape)
            kept.setdefault(int(index), {})[name] = tensor
    optimizer.load_state_dict({**own, "state": kept})


def require_shape(name: str, value: Tensor, shape: tuple[int, ...]) -> None:
    """Raise `ValueError` for a tensor of another shape."""
    if tuple(value.shape) != tuple(shape):
        raise ValueError(f"{name} is {list(value.shape)}, not {list(shape)}")
