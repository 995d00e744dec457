"""Gradient weighting: from the gradients of the two objectives to their weights in a step.

A weighting is a function of the facts of a step. It gets them as functions to call, so that a
weighting that ignores the gradients does not pay for them. Parameters may be split into blocks,
each with its own weights.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class GradientFacts:
    """The facts of a step that a gradient weighting may ask for.

    Attributes:
        gram: Returns the Gram matrices of the two gradients in each block, [K, blocks, 2, 2].
        values: Returns the objectives (mini-batch loss and complexity), [K, blocks, 2].
    """

    gram: Callable[[], Tensor]
    values: Callable[[], Tensor]


Weighting = Callable[[GradientFacts], Tensor]  # -> weights [K, blocks, 2], convex in each block


def weighted_sum(lams: Tensor) -> Tensor:
    """Return each network's fixed weights `(1 - lam, lam)`, in one block: [K] -> [K, 1, 2]."""
    return torch.stack((1 - lams, lams), dim=1).unsqueeze(1)


def smgd(normalize: str) -> Weighting:
    """Return the weighting of stochastic multi-gradient descent.

    The method is that of Liu and Vicente (arXiv 1907.04472). The direction is parallel to the
    shortest convex combination of the gradients, after each was divided as `normalize` (one of
    `NORMALIZERS`) says. The weights are those of the raw gradients.
    """
    divisors = NORMALIZERS[normalize]

    def weighting(objectives: GradientFacts) -> Tensor:
        gram = objectives.gram().double()
        scale = divisors(gram, objectives.values)  # [K, blocks, 2]
        weights = min_norm(gram / (scale.unsqueeze(-1) * scale.unsqueeze(-2))) / scale
        return weights / weights.sum(-1, keepdim=True)

    return weighting


def min_norm(gram: Tensor) -> Tensor:
    """Return the weights of the shortest convex combination of two gradients.

    The closed form (Desideri, C. R. Acad. Sci. Paris 350, 2012) is `<g2 - g1, g2> / |g2 - g1|^2`
    for the first weight, clipped to [0, 1]. Equal gradients get one half each. If rounding cannot
    tell two gradients apart, the shorter one gets all the weight; a zero gradient gets all the
    weight, too. A gradient of infinite length gets 0, which is the limit as it grows; two of them
    get one half each.

    Args:
        gram: Gram matrices of the two gradients, [..., 2, 2].

    Returns:
        The weights, [..., 2].
    """
    lengths, inner = gram.diagonal(dim1=-2, dim2=-1), gram[..., 0, 1, None]
    # each from its own numerator: 1 - weight would lose the digits of the smaller one
    numerators = (lengths - inner).flip(-1)
    apart = numerators.sum(-1, keepdim=True)
    shorter = (torch.sign(lengths.flip(-1) - lengths) + 1) / 2  # 1, or 1/2 where they are equal
    weights = (numerators / apart).clamp(0, 1).where(apart > 0, shorter)
    infinite = ~lengths.isfinite()
    limits = (~infinite).to(gram.dtype).where(~infinite.all(-1, keepdim=True), 0.5)
    return limits.where(infinite.any(-1, keepdim=True), weights)


def gram_matrices(
    losses: Sequence[Tensor], penalties: Sequence[Tensor | None], blocks: Sequence[int]
) -> Tensor:
    """Return the inner products of the objectives' gradients over each block.

    Each argument has one entry per parameter.

    Args:
        losses: Gradients of the loss, `[K, *shape]` each.
        costs: Gradients of the second objective, `None` where it does not depend on the parameter.
        blocks: Block of each parameter, counted from 0.

    Returns:
        The Gram matrices, [K, blocks, 2, 2].
    """
    gram = losses[0].new_zeros(len(losses[0]), max(blocks) + 1, 2, 2)
    for loss, cost, block in zip(losses, penalties, blocks, strict=True):
        gram[:, block, 0, 0] += inner_products(loss, loss)
        if cost is not None:
            gram[:, block, 0, 1] += inner_products(loss, cost)
            gram[:, block, 1, 1] += inner_products(cost, cost)
    gram[..., 1, 0] = gram[..., 0, 1]
    return gram


def inner_products(one: Tensor, other: Tensor) -> Tensor:
    """Return the inner product of two tensors for each network: [K, *shape] twice -> [K]."""
    return torch.einsum("kn,kn->k", one.flatten(1), other.flatten(1))


def none(gram: Tensor, values: Callable[[], Tensor]) -> Tensor:
    """Return ones: raw gradients, as in the paper, so that the smaller one dominates."""
    return torch.ones_like(gram[..., 0])


def l2(gram: Tensor, values: Callable[[], Tensor]) -> Tensor:
    """Return the lengths: the shortest combination of two unit vectors has weights one half."""
    return _positive(gram.diagonal(dim1=-2, dim2=-1).sqrt())


def loss(gram: Tensor, values: Callable[[], Tensor]) -> Tensor:
    """Return the objectives' values, which gives the gradients of their logarithms."""
    return _positive(values().double())


def _positive(divisors: Tensor) -> Tensor:
    return divisors.where((divisors > 0) & divisors.isfinite(), 1.0)


# Gram matrices [K, blocks, 2, 2], values -> divisors of the gradients, [K, blocks, 2]. The names
# are those of the code that Sener and Koltun released with arXiv 1810.04650. Their code applies
# the weights to the raw gradients.
NORMALIZERS: dict[str, Callable[[Tensor, Callable[[], Tensor]], Tensor]] = {
    "none": none,
    "l2": l2,
    "loss": loss,
}
