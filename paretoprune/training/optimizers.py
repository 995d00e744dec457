"""Optimizers of torch on stacked tensors, and learning-rate schedules."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Groups = Sequence[dict[str, Any]]  # parameter groups of torch.optim: parameters, learning rate


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

# On a CPU, the kernels of these optimizers round the last elements of a tensor differently.
ROUNDS_ENDS = ("adam",)


class StackedOptimizer:
    """An optimizer on stacked tensors, with a learning rate for each network.

    Neighbouring networks with equal learning rates are updated in one call. An optimizer in
    `ROUNDS_ENDS` gets the tensors of each network separately, so that a network does not depend on
    the others in its fleet.
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
            is_stacked: Whether every optimizer gets the networks of a group as one tensor, as in
                the studies of the first versions.
        """
        self.is_stacked = is_stacked or optimizer not in ROUNDS_ENDS
        self.contiguous_groups = contiguous_groups(rates)
        groups = [
            {
                "params": [
                    part for value in values for part in self._unstacked(value.detach()[networks])
                ],
                "lr": rate,
            }
            for networks, rate in self.contiguous_groups
        ]
        self.optimizer = OPTIMIZERS[optimizer](groups, momentum)

    def step(self, directions: Sequence[Tensor], lr_scale: float) -> None:
        """Take one step against the directions.

        Args:
            directions: Directions [K, *shape] in the order and with the memory layout of the
                values.
            lr_scale: Factor of all learning rates.
        """
        for group, (networks, rate) in zip(
            self.optimizer.param_groups, self.contiguous_groups, strict=True
        ):
            group["lr"] = rate * lr_scale
            gradients = (
                part for direction in directions for part in self._unstacked(direction[networks])
            )
            for value, gradient in zip(group["params"], gradients, strict=True):
                value.grad = gradient
        self.optimizer.step()
        self.optimizer.zero_grad()  # otherwise the directions stay in memory until the next step

    def _unstacked(self, stacked: Tensor) -> Sequence[Tensor]:
        """Return a stacked tensor as the optimizer gets it: whole, or one tensor per network."""
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
    """Return a factor that falls from 1 to 0.13, fastest after three quarters of the training.

    This is the schedule of the authors' code, which updates it once per epoch.
    """
    return 1 - 0.9 / (1 + math.exp((0.75 - progress) / 0.075))


# share of the training that is done, in [0, 1) -> factor of the learning rates
SCHEDULES: dict[str, Callable[[float], float]] = {
    "cosine": cosine,
    "constant": constant,
    "logistic": logistic,
}
