"""The optimizers, torch's own on stacked tensors, and the schedules of their rates."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Groups = Sequence[dict[str, Any]]  # what torch.optim takes: parameters and their rate


def adam(groups: Groups, momentum: float) -> torch.optim.Optimizer:
    """Adam (Kingma and Ba, arXiv 1412.6980, algorithm 1); it has its own momentum."""
    return torch.optim.Adam(groups, fused=True)


def sgd(groups: Groups, momentum: float) -> torch.optim.Optimizer:
    """Gradient descent with momentum (Polyak, 1964)."""
    return torch.optim.SGD(groups, momentum=momentum, fused=True)


def rmsprop(groups: Groups, momentum: float) -> torch.optim.Optimizer:
    """RMSProp (Hinton, Coursera 2012, lecture 6e)."""
    return torch.optim.RMSprop(groups, momentum=momentum)


UPDATES: dict[str, Callable[[Groups, float], torch.optim.Optimizer]] = {
    "adam": adam,
    "sgd": sgd,
    "rmsprop": rmsprop,
}


class Updates:
    """An optimizer's steps on stacked tensors; each network has a learning rate of its own.

    Networks of equal rates that stand side by side are moved in one call.
    """

    def __init__(
        self, optimizer: str, values: Sequence[Tensor], rates: Sequence[float], momentum: float
    ) -> None:
        """`values` [K, *shape] are moved in place by `step`; `rates` are K."""
        self.stretches = stretches(rates)
        groups = [
            {"params": [value.detach()[own] for value in values], "lr": rate}
            for own, rate in self.stretches
        ]
        self.optimizer = UPDATES[optimizer](groups, momentum)

    def step(self, directions: Sequence[Tensor], factor: float) -> None:
        """Move against the `directions`, which lie in memory as their values; scale all rates."""
        for group, (own, rate) in zip(self.optimizer.param_groups, self.stretches, strict=True):
            group["lr"] = rate * factor
            for value, direction in zip(group["params"], directions, strict=True):
                value.grad = direction[own]
        self.optimizer.step()
        self.optimizer.zero_grad()  # or else the directions would live on beside the next ones


def stretches(values: Sequence[float]) -> list[tuple[slice, float]]:
    """Equal values that stand side by side: `[a, a, b]` -> `[(0:2, a), (2:3, b)]`."""
    ends = [i for i in range(1, len(values)) if values[i] != values[i - 1]]
    bounds = zip([0, *ends], [*ends, len(values)], strict=True)
    return [(slice(start, end), values[start]) for start, end in bounds]


def constant(progress: float) -> float:
    """The full rate throughout."""
    return 1.0


def cosine(progress: float) -> float:
    """Half a cosine from the full rate down to 0 (Loshchilov and Hutter, arXiv 1608.03983)."""
    return 0.5 * (1 + math.cos(math.pi * progress))


def logistic(progress: float) -> float:
    """A tenfold fall around three quarters of the training (the authors' code, per epoch there)."""
    return 1 - 0.9 / (1 + math.exp((0.75 - progress) / 0.075))


# share of the training that is done, in [0, 1) -> factor of the learning rate
SCHEDULES: dict[str, Callable[[float], float]] = {
    "cosine": cosine,
    "constant": constant,
    "logistic": logistic,
}
