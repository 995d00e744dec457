"""Magnitude pruning: a dense network keeps its largest weights, wherever they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from paretoprune.training.methods import dense_parent

if TYPE_CHECKING:
    from torch import Tensor


def choose(magnitudes: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """Return masks of the largest of all weights together."""
    import torch

    from paretoprune.training.methods.mask_rule import largest

    flat = torch.cat([value.flatten() for value in magnitudes.values()])
    mask = largest(flat, round(share * len(flat)))
    parts = mask.split([value.numel() for value in magnitudes.values()])
    pairs = zip(magnitudes.items(), parts, strict=True)
    return {name: part.view_as(value) for (name, value), part in pairs}


MAGNITUDE = dense_parent.pruning_method(
    "magnitude", "magnitude pruning", choose, parts=lambda sizes: [sum(sizes)]
)
