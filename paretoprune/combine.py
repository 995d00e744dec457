"""From the gradients of the two objectives to their weights in a step.

A method is a function of the objectives' Gram matrices `[K, 2, 2]`; it gets them as a function to
call, so that a method whose weights ignore the gradients does not pay for them.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

# () -> Gram matrices [K, 2, 2] of (loss, complexity); the result is the weights [K, 2]
Combine = Callable[[Callable[[], Tensor]], Tensor]


def weighted_sum(lams: Tensor) -> Combine:
    """Fixed weights `(1 - lam, lam)` for each network; `lams` has shape [K]."""
    weights = torch.stack((1 - lams, lams), dim=1)
    return lambda gram: weights


def gram_matrices(losses: Sequence[Tensor], complexities: Sequence[Tensor | None]) -> Tensor:
    """Inner products of the two objectives' gradients over all parameters, [K, 2, 2].

    Each pair holds the gradients `[K, *shape]` of one parameter; `None` where the complexity does
    not depend on it.
    """
    networks = losses[0].shape[0]
    gram = losses[0].new_zeros(networks, 2, 2)
    for loss, complexity in zip(losses, complexities, strict=True):
        other = torch.zeros_like(loss) if complexity is None else complexity
        both = torch.stack((loss.flatten(1), other.flatten(1)), dim=1)  # [K, 2, size]
        gram += both @ both.transpose(1, 2)
    return gram


METHODS: dict[str, Callable[[Tensor], Combine]] = {
    "weighted-sum": weighted_sum,
}
