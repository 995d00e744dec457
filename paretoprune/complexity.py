"""What is counted: the complexity of the prunable weights, and which weights are prunable."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from paretoprune.errors import UsageError

PRUNABLE: dict[str, tuple[type[nn.Module], ...]] = {
    "linear": (nn.Linear,),
    "conv": (nn.Conv2d,),
    "all": (nn.Linear, nn.Conv2d),
}


@dataclass(frozen=True)
class Complexity:
    """An objective of the weights alone: its value per tensor, and its (sub)gradient.

    `value` maps a stacked tensor `[K, *shape]` to `[K]`; values of several tensors add up.
    `gradient` maps it to a tensor of the same shape.
    """

    value: Callable[[Tensor], Tensor]
    gradient: Callable[[Tensor], Tensor]


def l1(weights: Tensor) -> Tensor:
    """Sum of absolute values of each network, [K, *shape] -> [K] (arXiv 2008.13590, eq. 5)."""
    return weights.abs().flatten(1).sum(1, dtype=torch.float64)


COMPLEXITIES: dict[str, Complexity] = {
    "l1": Complexity(value=l1, gradient=torch.sign),  # the subgradient with sign(0) = 0
}


def nonzeros(weights: Tensor) -> Tensor:
    """Number of weights of each network that are not exactly zero, [K, *shape] -> [K]."""
    return torch.count_nonzero(weights.flatten(1), dim=1)


def total(values: Iterable[Tensor]) -> Tensor:
    """Sum over tensors of a value per network, [K] each -> [K]."""
    return torch.stack(tuple(values)).sum(0)


def prunable_names(model: nn.Module, kind: str) -> tuple[str, ...]:
    """Name the weight tensors (never biases) of the module types that `kind` stands for.

    Raises `UsageError` where the model has none.
    """
    names = weight_names(model, PRUNABLE[kind])
    if not names:
        fitting = [
            other
            for other, types in PRUNABLE.items()
            if any(isinstance(module, types) for module in model.modules())
        ]
        raise UsageError(
            f"the model has no prunable layers for --prunable {kind}; "
            f"it has some for: {', '.join(fitting) or 'none'}"
        )
    return names


def weight_names(model: nn.Module, types: tuple[type[nn.Module], ...]) -> tuple[str, ...]:
    """Name the weight tensors (never biases) of the modules of these types."""
    modules = model.named_modules()
    return tuple(f"{name}.weight" for name, module in modules if isinstance(module, types))
