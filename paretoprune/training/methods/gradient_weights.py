"""Gradient weighting: from the gradients of the two objectives to their weights in a step.

A weighting is a function of `GradientFacts`. These are computed when a weighting asks for them, so
that a weighting does not pay for facts that it ignores. Parameters may be split into blocks with
separate weights.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class GradientFacts:
    """Facts of a step, which a gradient weighting may ask for.

    Attributes:
        gram: Returns the Gram matrices of the two gradients in each block, [K, blocks, 2, 2].
        values: Returns the objectives (mini-batch loss and complexity), [K, blocks, 2].
    """

    gram: Callable[[], Tensor]
    values: Callable[[], Tensor]


Weighting = Callable[[GradientFacts], Tensor]  # -> weights [K, blocks, 2], convex in each block


def shortest(normalize: str) -> Weighting:
    """Return the weighting of stochastic multi-gradient descent.

    The method is that of Liu and Vicente (arXiv 1907.04472). The direction is parallel to the
    shortest convex combination of the normalized gradients. The weights that the weighting returns
    belong to the raw gradients.

    Args:
        normalize: Name of the normalization of the gradients, one of `NORMALIZERS`.
    """
    divisors = NORMALIZERS[normalize]

    def weighting(facts: GradientFacts) -> Tensor:
        gram = facts.gram().double()
        scale = divisors(gram, facts.values)  # [K, blocks, 2]
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
    squares, inner = gram.diagonal(dim1=-2, dim2=-1), gram[..., 0, 1, None]
    # a numerator for each weight: 1 - weight would lose the digits of the smaller one
    numerators = (squares - inner).flip(-1)
    distance = numerators.sum(-1, keepdim=True)  # |g2 - g1|^2
    shorter = (torch.sign(squares.flip(-1) - squares) + 1) / 2  # 1, or 1/2 for equal lengths
    weights = (numerators / distance).clamp(0, 1).where(distance > 0, shorter)
    infinite = ~squares.isfinite()
    limits = (~infinite).to(gram.dtype).where(~infinite.all(-1, keepdim=True), 0.5)
    return limits.where(infinite.any(-1, keepdim=True), weights)


def gram_matrices(
    losses: Sequence[Tensor], penalties: Sequence[Tensor | None], blocks: Sequence[int]
) -> Tensor:
    """Return the inner products of the two objectives' gradients in each block.

    Each argument has one entry per parameter.

    Args:
        losses: Gradients of the loss, `[K, *shape]` each.
        penalties: Gradients of the second objective, `[K, *shape]` each; `None` if it does not
            depend on the parameter.
        blocks: Index of each parameter's block, counted from 0.

    Returns:
        The Gram matrices, [K, blocks, 2, 2].
    """
    gram = losses[0].new_zeros(len(losses[0]), max(blocks) + 1, 2, 2)
    for loss, penalty, block in zip(losses, penalties, blocks, strict=True):
        gram[:, block, 0, 0] += inner_products(loss, loss)
        if penalty is not None:
            gram[:, block, 0, 1] += inner_products(loss, penalty)
            gram[:, block, 1, 1] += inner_products(penalty, penalty)
    gram[..., 1, 0] = gram[..., 0, 1]
    return gram


def inner_products(first: Tensor, second: Tensor) -> Tensor:
    """Return the inner product of two tensors for each network: [K, *shape] twice -> [K]."""
    return torch.einsum("kn,kn->k", first.flatten(1), second.flatten(1))


def none(gram: Tensor, values: Callable[[], Tensor]) -> Tensor:
    """Return ones: raw gradients, as in the paper; the shorter one gets the larger weight."""
    return torch.ones_like(gram[..., 0])


def l2(gram: Tensor, values: Callable[[], Tensor]) -> Tensor:
    """Return the lengths of the gradients.

    The shortest combination of two unit vectors has equal weights.
    """
    return _positive(gram.diagonal(dim1=-2, dim2=-1).sqrt())


def loss(gram: Tensor, values: Callable[[], Tensor]) -> Tensor:
    """Return the values of the objectives.

    A gradient that is divided by the value of its objective is the gradient of the logarithm.
    """
    return _positive(values().double())


def _positive(divisors: Tensor) -> Tensor:
    """Replace divisors that are not positive and finite by 1."""
    return divisors.where((divisors > 0) & divisors.isfinite(), 1.0)


# Gram matrices [K, blocks, 2, 2], values -> divisors of the gradients, [K, blocks, 2]. The names
# are those of the code that Sener and Koltun released with arXiv 1810.04650. Their code applies
# the weights to the raw gradients.
NORMALIZERS: dict[str, Callable[[Tensor, Callable[[], Tensor]], Tensor]] = {
    "none": none,
    "l2": l2,
    "loss": loss,
}
