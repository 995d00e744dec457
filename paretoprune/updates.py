"""Steps of optimizers as functions on stacked tensors, and the schedules of their rates."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

State = dict[str, Tensor]
# weights and direction [K, *shape], state, rate [K] or a number, step counted from 1
Update = Callable[[Tensor, Tensor, State, Tensor, int], None]


@torch.no_grad()
def adam(weights: Tensor, direction: Tensor, state: State, rate: Tensor, step: int) -> None:
    """One step of Adam, in place (Kingma and Ba, arXiv 1412.6980, algorithm 1).

    `rate` is the learning rate of each network, [K]. Constants as in `torch.optim.Adam`.
    """
    beta1, beta2, epsilon = 0.9, 0.999, 1e-8
    if not state:
        state.update(first=torch.zeros_like(weights), second=torch.zeros_like(weights))
    state["first"].lerp_(direction, 1 - beta1)
    state["second"].mul_(beta2).addcmul_(direction, direction, value=1 - beta2)
    # the rate divides the denominator instead of multiplying the step: two passes less
    rates = (rate / (1 - beta1**step)).view(-1, *[1] * (weights.dim() - 1))
    denominator = state["second"].sqrt().mul_(1 / (rates * math.sqrt(1 - beta2**step)))
    weights.addcdiv_(state["first"], denominator.add_(epsilon / rates), value=-1)


UPDATES: dict[str, Update] = {
    "adam": adam,
}


def constant(progress: float) -> float:
    """The full rate throughout."""
    return 1.0


def cosine(progress: float) -> float:
    """Half a cosine from the full rate down to 0 (Loshchilov and Hutter, arXiv 1608.03983)."""
    return 0.5 * (1 + math.cos(math.pi * progress))


# share of the training that is done, in [0, 1) -> factor of the learning rate
SCHEDULES: dict[str, Callable[[float], float]] = {
    "cosine": cosine,
    "constant": constant,
}
