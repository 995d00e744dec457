"""Steps of optimizers as functions on stacked tensors, and the schedules of their rates."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

State = dict[str, Tensor]
# weights and direction [K, *shape], state, rate [K], step counted from 1, momentum; in place.
# Constants that are no argument are those of `torch.optim`.
Update = Callable[[Tensor, Tensor, State, Tensor, int, float], None]

LEAST_RATE = 1e-30  # a rate of 0, as lam = 0 gives with separate moments, cannot divide


@torch.no_grad()
def adam(
    weights: Tensor, direction: Tensor, state: State, rate: Tensor, step: int, momentum: float
) -> None:
    """One step of Adam (Kingma and Ba, arXiv 1412.6980, algorithm 1); it has its own momentum."""
    beta1, beta2, epsilon = 0.9, 0.999, 1e-8
    if not state:
        state.update(first=torch.zeros_like(weights), second=torch.zeros_like(weights))
    state["first"].lerp_(direction, 1 - beta1)
    state["second"].mul_(beta2).addcmul_(direction, direction, value=1 - beta2)
    # the rate divides the denominator instead of multiplying the step: two passes less
    rates = _beside(rate.clamp(min=LEAST_RATE) / (1 - beta1**step), weights)
    denominator = state["second"].sqrt().mul_(1 / (rates * math.sqrt(1 - beta2**step)))
    weights.addcdiv_(state["first"], denominator.add_(epsilon / rates), value=-1)


@torch.no_grad()
def sgd(
    weights: Tensor, direction: Tensor, state: State, rate: Tensor, step: int, momentum: float
) -> None:
    """One step of gradient descent with momentum (Polyak, 1964), as in `torch.optim.SGD`."""
    weights.addcmul_(_with_momentum(direction, state, momentum), _beside(rate, weights), value=-1)


@torch.no_grad()
def rmsprop(
    weights: Tensor, direction: Tensor, state: State, rate: Tensor, step: int, momentum: float
) -> None:
    """One step of RMSProp (Hinton, Coursera 2012, lecture 6e), as in `torch.optim.RMSprop`."""
    alpha, epsilon = 0.99, 1e-8
    if "second" not in state:
        state["second"] = torch.zeros_like(weights)
    state["second"].mul_(alpha).addcmul_(direction, direction, value=1 - alpha)
    scaled = direction / state["second"].sqrt().add_(epsilon)
    weights.addcmul_(_with_momentum(scaled, state, momentum), _beside(rate, weights), value=-1)


def _with_momentum(direction: Tensor, state: State, momentum: float) -> Tensor:
    if momentum == 0:
        return direction
    if "velocity" not in state:
        state["velocity"] = torch.zeros_like(direction)
    return state["velocity"].mul_(momentum).add_(direction)


def _beside(rate: Tensor, weights: Tensor) -> Tensor:
    return rate.view(-1, *[1] * (weights.dim() - 1))  # [K] -> [K, 1, ...]


UPDATES: dict[str, Update] = {
    "adam": adam,
    "sgd": sgd,
    "rmsprop": rmsprop,
}


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
