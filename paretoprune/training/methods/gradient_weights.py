"""From the gradients of the two objectives to their weights in a step.

A method is a function of what a step knows of its objectives; it gets that as functions to call,
so that a method whose weights ignore the gradients does not pay for them. Parameters may be cut
into blocks, each with weights of its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Objectives:
    """What a method may ask for in a step.

    `gram` gives the Gram matrices of the two gradients in each block, [K, blocks, 2, 2], `values`
    the objectives themselves (mini-batch loss and complexity), [K, blocks, 2].
    """

    gram: Callable[[], Tensor]
    values: Callable[[], Tensor]


Combine = Callable[[Objectives], Tensor]  # -> weights [K, blocks, 2], convex in each block


def weighted_sum(lams: Tensor) -> Tensor:
    """Fixed weights `(1 - lam, lam)` of each network, in one block: [K] -> [K, 1, 2]."""
    return torch.stack((1 - lams, lams), dim=1).unsqueeze(1)


def smgd(normalize: str) -> Combine:
    """Weights of stochastic multi-gradient descent (Liu and Vicente, arXiv 1907.04472).

    The direction is parallel to the shortest convex combination of the gradients, each divided by
    what `normalize` (one of `NORMALIZERS`) says; the weights are those of the raw gradients.
    """
    divisors = NORMALIZERS[normalize]

    def combine(objectives: Objectives) -> Tensor:
        gram = objectives.gram().double()
        scale = divisors(gram, objectives.values)  # [K, blocks, 2]
        weights = min_norm(gram / (scale.unsqueeze(-1) * scale.unsqueeze(-2))) / scale
        return weights / weights.sum(-1, keepdim=True)

    return combine


def min_norm(gram: Tensor) -> Tensor:
    """Weights of the shortest convex combination of two gradients, [..., 2, 2] -> [..., 2].

    In closed form (Desideri, C. R. Acad. Sci. Paris 350, 2012): `<g2 - g1, g2> / |g2 - g1|^2` for
    the first one, within [0, 1]. Equal gradients get one half each, of two that rounding cannot
    tell apart the shorter gets all, and so does a zero gradient. One of infinite length gets
    nothing, its limit as it grows; two get one half each.
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
    losses: Sequence[Tensor], costs: Sequence[Tensor | None], blocks: Sequence[int]
) -> Tensor:
    """Inner products of the two objectives' gradients over each block, [K, blocks, 2, 2].

    Each entry belongs to one parameter: the gradient `[K, *shape]` of the loss, that of the second
    objective (`None` where it does not depend on it), and the block, counted from 0.
    """
    gram = losses[0].new_zeros(len(losses[0]), max(blocks) + 1, 2, 2)
    for loss, cost, block in zip(losses, costs, blocks, strict=True):
        gram[:, block, 0, 0] += inner_products(loss, loss)
        if cost is not None:
            gram[:, block, 0, 1] += inner_products(loss, cost)
            gram[:, block, 1, 1] += inner_products(cost, cost)
    gram[..., 1, 0] = gram[..., 0, 1]
    return gram


def inner_products(one: Tensor, other: Tensor) -> Tensor:
    """Of two stacked tensors, network by network: [K, *shape] twice -> [K]."""
    return torch.einsum("kn,kn->k", one.flatten(1), other.flatten(1))


def none(gram: Tensor, values: Callable[[], Tensor]) -> Tensor:
    """Raw gradients, as in the paper: the smaller one rules."""
    return torch.ones_like(gram[..., 0])


def l2(gram: Tensor, values: Callable[[], Tensor]) -> Tensor:
    """Each by its length: of two unit vectors the shortest combination is half of each."""
    return _positive(gram.diagonal(dim1=-2, dim2=-1).sqrt())


def loss(gram: Tensor, values: Callable[[], Tensor]) -> Tensor:
    """Each by its objective's value: the gradients of the objectives' logarithms."""
    return _positive(values().double())


def _positive(divisors: Tensor) -> Tensor:
    return divisors.where((divisors > 0) & divisors.isfinite(), 1.0)


# Gram matrices [K, blocks, 2, 2], values -> what each gradient is divided by, [K, blocks, 2]. The
# names are those of the code that Sener and Koltun released with arXiv 1810.04650; there the
# weights are then applied to the raw gradients.
NORMALIZERS: dict[str, Callable[[Tensor, Callable[[], Tensor]], Tensor]] = {
    "none": none,
    "l2": l2,
    "loss": loss,
}
