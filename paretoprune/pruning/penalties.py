"""What is counted: the complexity of the prunable weights."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Complexity:
    """An objective of the weights alone: its value per tensor, and its (sub)gradient.

    `value` maps a stacked tensor `[K, *shape]` to `[K]`; values of several tensors add up, each
    times what one of its weights costs where `is_by_cost`. `gradient` maps it to a tensor of the
    same shape. Where it `is_grouped`, weights are pruned by whole rows too.
    """

    value: Callable[[Tensor], Tensor]
    gradient: Callable[[Tensor], Tensor]
    is_by_cost: bool = False
    is_grouped: bool = False


def l1(weights: Tensor) -> Tensor:
    """Sum of absolute values of each network, [K, *shape] -> [K] (arXiv 2008.13590, eq. 5)."""
    return weights.abs().flatten(1).sum(1, dtype=torch.float64)


def lengths(weights: Tensor) -> Tensor:
    """Root mean square of each row: [K, rows, *shape] -> [K, rows, 1, ...].

    A row holds all that goes into one neuron or filter.
    """
    inner = tuple(range(2, weights.dim()))
    return weights.square().mean(inner, keepdim=True).sqrt() if inner else weights.abs()


def group_l1(weights: Tensor) -> Tensor:
    """Sum over rows of sqrt(size) times the row's length, [K, rows, *shape] -> [K].

    The group lasso of Yuan and Lin (2006), "Model selection and estimation in regression with
    grouped variables", equation 2.1 with groups as they weigh them. It is l1 where all weights of a
    row are of one size, else larger.
    """
    size = weights[0, 0].numel()
    return size * lengths(weights).flatten(1).sum(1, dtype=torch.float64)


def group_gradient(weights: Tensor) -> Tensor:
    """The gradient of `group_l1`, the subgradient 0 for a row of zeros."""
    length = lengths(weights)
    return weights / length.where(length > 0, math.inf)


COMPLEXITIES: dict[str, Complexity] = {
    "l1": Complexity(l1, torch.sign),  # the subgradient with sign(0) = 0
    "l1-flops": Complexity(l1, torch.sign, is_by_cost=True),
    "group-l1": Complexity(group_l1, group_gradient, is_grouped=True),
}


def nonzeros(weights: Tensor) -> Tensor:
    """Number of weights of each network that are not exactly zero, [K, *shape] -> [K]."""
    return torch.count_nonzero(weights.flatten(1), dim=1)


def total(values: Iterable[Tensor]) -> Tensor:
    """Sum over tensors of a value per network, [K] each -> [K]."""
    return torch.stack(tuple(values)).sum(0)
