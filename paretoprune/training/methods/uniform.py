"""Uniform magnitude pruning: each layer of a dense network keeps the same share of its weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from paretoprune.training.methods import dense_parent

if TYPE_CHECKING:
    from torch import Tensor


def choose(magnitudes: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """Return masks of the largest weights of each tensor."""
    from paretoprune.training.methods.mask_rule import largest

    return {
        name: largest(value, round(share * value.numel())) for name, value in magnitudes.items()
    }


UNIFORM = dense_parent.pruning_method("uniform", "uniform pruning", choose, parts=list)
