"""What is set to zero, and when."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from paretoprune.pruning.penalties import lengths


@torch.no_grad()
def prune(
    weights: Iterable[Tensor], thresholds: Sequence[tuple[slice, float]], is_grouped: bool = False
) -> None:
    """Set every weight with `abs(w) <= threshold` to exactly zero, in place (ITP).

    `weights` are stacked tensors `[K, *shape]`; `thresholds` holds that of each stretch of
    networks. Where it `is_grouped`, so is every row (all that goes into one neuron or filter) whose
    root mean square is not larger. No mask is kept: a weight may grow back. Applied before training
    and after every step (arXiv 2008.13590, section 4.2).
    """
    for tensor in weights:
        for own, threshold in thresholds:
            part = tensor.detach()[own]
            torch.hardshrink(part, threshold, out=part)
            if is_grouped:
                part.masked_fill_(lengths(part) <= threshold, 0)  # no -0.0, as a product would
