"""Intra-training pruning (ITP): weights within the threshold become exactly zero."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from paretoprune.pruning.penalties import lengths


@torch.no_grad()
def prune(
    weights: Iterable[Tensor], thresholds: Sequence[tuple[slice, float]], is_grouped: bool = False
) -> None:
    """Set every weight with `abs(w) <= threshold` to exactly zero, in place (ITP).

    It is applied before training and after every step (arXiv 2008.13590, section 4.2). No mask is
    kept, so a weight may grow back.

    Args:
        weights: Stacked tensors `[K, *shape]`.
        thresholds: The threshold of each contiguous group of networks.
        is_grouped: Whether each row (all weights that lead into one neuron or filter) whose root
            mean square is at most the threshold becomes zero too.
    """
    for tensor in weights:
        for networks, threshold in thresholds:
            part = tensor.detach()[networks]
            torch.hardshrink(part, threshold, out=part)
            if is_grouped:
                part.masked_fill_(lengths(part) <= threshold, 0)  # no -0.0, as a product would
