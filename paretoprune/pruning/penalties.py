"""Penalties: the complexity of the prunable weights, with its gradient."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Penalty:
    """An objective that depends on the weights alone: its value per tensor and its (sub)gradient.

    Attributes:
        value: Maps a stacked tensor `[K, *shape]` to its values `[K]`; the objective is the sum
            over all prunable tensors.
        gradient: Maps a stacked tensor to a tensor of the same shape.
        is_by_cost: Whether each tensor's value is multiplied by the cost of one of its weights.
        is_grouped: Whether whole rows of weights are pruned too.
    """

    value: Callable[[Tensor], Tensor]
    gradient: Callable[[Tensor], Tensor]
    is_by_cost: bool = False
    is_grouped: bool = False


def l1(weights: Tensor) -> Tensor:
    """Return each network's sum of absolute values, [K, *shape] -> [K].

    Source: Reiners et al. (arXiv 2008.13590), equation 5.
    """
    return weights.abs().flatten(1).sum(1, dtype=torch.float64)


def lengths(weights: Tensor) -> Tensor:
    """Return the root mean square of each row, [K, rows, *shape] -> [K, rows, 1, ...].

    A row holds all weights that lead into one neuron or filter.
    """
    inner = tuple(range(2, weights.dim()))
    return weights.square().mean(inner, keepdim=True).sqrt() if inner else weights.abs()


def group_l1(weights: Tensor) -> Tensor:
    """Return the sum over rows of sqrt(size) times the row's l2 norm, [K, rows, *shape] -> [K].

    This is the group lasso of Yuan and Lin (2006), "Model selection and estimation in regression
    with grouped variables", equation 2.1, with their weights of the groups. It equals l1 if all
    weights of a row have the same absolute value, and is larger otherwise.
    """
    size = weights[0, 0].numel()
    return size * lengths(weights).flatten(1).sum(1, dtype=torch.float64)


def group_gradient(weights: Tensor) -> Tensor:
    """Return the gradient of `group_l1`, [K, rows, *shape]; for a row of zeros it is 0."""
    length = lengths(weights)
    return weights / length.where(length > 0, math.inf)


PENALTIES: dict[str, Penalty] = {
    "l1": Penalty(l1, torch.sign),  # the subgradient with sign(0) = 0
    "l1-flops": Penalty(l1, torch.sign, is_by_cost=True),
    "group-l1": Penalty(group_l1, group_gradient, is_grouped=True),
}


def nonzeros(weights: Tensor) -> Tensor:
    """Return each network's number of weights that are not exactly zero, [K, *shape] -> [K]."""
    return torch.count_nonzero(weights.flatten(1), dim=1)


def total(values: Iterable[Tensor]) -> Tensor:
    """Return the sum of values per network over all tensors, [K] each -> [K]."""
    return torch.stack(tuple(values)).sum(0)
