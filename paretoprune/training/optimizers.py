"""Optimizers, which are torch's on stacked tensors, and schedules of their learning rates."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Groups = Sequence[dict[str, Any]]  # torch.optim's parameter groups: parameters and their rate


def adam(groups: Groups, momentum: float) -> torch.optim.Optimizer:
    """Return Adam (Kingma and Ba, arXiv 1412.6980, algorithm 1), which does not use `momentum`."""
    return torch.optim.Adam(groups, fused=True)


def sgd(groups: Groups, momentum: float) -> torch.optim.Optimizer:
    """Return gradient descent with momentum (Polyak, 1964)."""
    return torch.optim.SGD(groups, momentum=momentum, fused=True)


def rmsprop(groups: Groups, momentum: float) -> torch.optim.Optimizer:
    """Return RMSProp with momentum (Hinton, Coursera 2012, lecture 6e)."""
    return torch.optim.RMSprop(groups, momentum=momentum)


OPTIMIZERS: dict[str, Callable[[Groups, float], torch.optim.Optimizer]] = {
    "adam": adam,
    "sgd": sgd,
    "rmsprop": rmsprop,
}

# On a CPU the kernels of these round the last elements of a tensor otherwise than the rest.
ROUNDS_ENDS = ("adam",)


class StackedOptimizer:
    """An optimizer on stacked tensors, with a learning rate for each network.

    Neighbouring networks with equal learning rates are updated in one call. An optimizer in
    `ROUNDS_ENDS` sees each network's tensors apart, so that a network does not depend on the others
    in its fleet.
    """

    def __init__(
        self,
        optimizer: str,
        values: Sequence[Tensor],
        rates: Sequence[float],
        momentum: float,
        *,
        is_stacked: bool = False,
    ) -> None:
        """Create the optimizer.

        Args:
            optimizer: One of `OPTIMIZERS`.
            values: The tensors [K, *shape], which `step` changes in place.
            rates: The learning rates [K].
            momentum: Momentum of the optimizers that use it.
            is_stacked: The optimizer sees the networks of a group as one tensor, as the first
                studies did.
        """
        self.is_stacked = is_stacked or optimizer not in ROUNDS_ENDS
        self.contiguous_groups = contiguous_groups(rates)
        groups = [
            {
                "params": [one for value in values for one in self._apart(value.detach()[own])],
                "lr": rate,
            }
            for own, rate in self.contiguous_groups
        ]
        self.optimizer = OPTIMIZERS[optimizer](groups, momentum)

    def step(self, directions: Sequence[Tensor], lr_scale: float) -> None:
        """Take one step against the directions.

        Args:
            directions: Directions [K, *shape] in the order and with the memory layout of the
                values.
            factor: Factor of all learning rates.
        """
        for group, (own, rate) in zip(
            self.optimizer.param_groups, self.contiguous_groups, strict=True
        ):
            group["lr"] = rate * lr_scale
            gradients = (one for direction in directions for one in self._apart(direction[own]))
            for value, gradient in zip(group["params"], gradients, strict=True):
                value.grad = gradient
        self.optimizer.step()
        self.optimizer.zero_grad()  # otherwise the directions stay in memory with the next ones

    def _apart(self, stacked: Tensor) -> Sequence[Tensor]:
        """Return the tensors as the optimizer sees them."""
        return [stacked] if self.is_stacked else stacked.unbind()


def contiguous_groups(values: Sequence[float]) -> list[tuple[slice, float]]:
    """Return contiguous groups of equal values: `[a, a, b]` -> `[(0:2, a), (2:3, b)]`."""
    ends = [i for i in range(1, len(values)) if values[i] != values[i - 1]]
    bounds = zip([0, *ends], [*ends, len(values)], strict=True)
    return [(slice(start, end), values[start]) for start, end in bounds]


def constant(progress: float) -> float:
    """Return 1: the full learning rate throughout."""
    return 1.0


def cosine(progress: float) -> float:
    """Return half a cosine, from 1 down to 0 (Loshchilov and Hutter, arXiv 1608.03983)."""
    return 0.5 * (1 + math.cos(math.pi * progress))


def logistic(progress: float) -> float:
    """Return a tenfold fall around three quarters of the training.

    This is the schedule of the authors' code, which updates it once per epoch.
    """
    return 1 - 0.9 / (1 + math.exp((0.75 - progress) / 0.075))


# share of the training that is done, in [0, 1) -> factor of the learning rate
SCHEDULES: dict[str, Callable[[float], float]] = {
    "cosine": cosine,
    "constant": constant,
    "logistic": logistic,
}
