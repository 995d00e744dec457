"""What is set to zero, and when."""

from collections.abc import Iterable

import torch
from torch import Tensor


@torch.no_grad()
def prune(weights: Iterable[Tensor], thresholds: Tensor) -> None:
    """Set every weight with `abs(w) <= threshold` to exactly zero, in place (ITP).

    `weights` are stacked tensors `[K, *shape]`, `thresholds` has shape `[K]`. No mask is kept: a
    weight may grow back. Applied before training and after every step (arXiv 2008.13590,
    section 4.2).
    """
    for tensor in weights:
        per_network = thresholds.view(-1, *[1] * (tensor.dim() - 1))
        tensor.masked_fill_(tensor.abs() <= per_network, 0)
