"""Rule of the steps of networks whose pruned weights are fixed at zero by masks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from paretoprune.study.run import Run
from paretoprune.training.methods.step_rule import StepRule, rule_of_complexity

if TYPE_CHECKING:
    from paretoprune.problem.problem import Problem
    from paretoprune.training.fleet import Fleet

# magnitudes of one network's prunable weights [*shape] by name, share -> masks of the same shapes
Choose = Callable[[Mapping[str, Tensor], float], dict[str, Tensor]]

PRUNED_BY = 0.5  # share of a gradual run after which nothing more is pruned
PRUNINGS = 50  # number of times that a gradual run prunes


def rule_of_masks(
    runs: Sequence[Run],
    fleet: Fleet,
    problem: Problem,
    choose: Choose,
    shares: Sequence[float],
    *,
    is_gradual: bool,
) -> StepRule:
    """Return the rule: the loss alone is minimised, and masks are applied after each step.

    A pruned weight never comes back.

    Args:
        runs: The runs of the fleet.
        fleet: The networks, with the weights from which the runs start.
        problem: The problem.
        choose: Returns the masks of one network.
        shares: The share of the prunable weights that each run keeps in the end, [K].
        is_gradual: Whether the share falls from 1 in the first half of a run, as in Zhu and Gupta
            (arXiv 1710.01878, equation 1): `keep + (1 - keep) (1 - t)^3`. If not, the networks are
            pruned before their first step.
    """
    masks = Masks({name: fleet.parameters[name] for name in problem.prunable}, choose, shares)
    step = torch.zeros(1, dtype=torch.int64)
    batches = math.ceil(len(problem.data.train) / runs[0].batch_size)
    last = max(1, int(PRUNED_BY * batches * runs[0].epochs))  # step of the last pruning
    every = max(1, last // PRUNINGS)

    def after_step() -> None:
        done = int(step.add_(1))
        if is_gradual and done <= last and (done % every == 0 or done == last):
            masks.shrink(done / last)
        masks.apply()

    if not is_gradual:
        masks.shrink(1.0)
        masks.apply()
    ones = torch.ones(len(runs), 1, device=problem.device)
    known = torch.stack((ones, 0 * ones), dim=2)  # [K, 1, 2]
    rule = rule_of_complexity(fleet, problem, runs[0], known=lambda lam_scale: known)
    state = {f"mask/{name}": mask for name, mask in masks.values.items()}
    return replace(
        rule, penalized=frozenset(), after_step=after_step, state={"step": step, **state}
    )


class Masks:
    """Masks of the prunable weights of K networks, which only ever shrink.

    Args:
        weights: The prunable weights by name, [K, *shape] each.
        choose: Returns the masks of one network.
        shares: The share of the weights that each network keeps in the end, [K].
    """

    def __init__(
        self, weights: Mapping[str, Tensor], choose: Choose, shares: Sequence[float]
    ) -> None:
        self.weights, self.choose, self.shares = weights, choose, shares
        self.values = {name: torch.ones_like(value) for name, value in weights.items()}

    @torch.no_grad()
    def shrink(self, progress: float) -> None:
        """Choose the weights to keep, after this share of the pruning."""
        for index, share in enumerate(self.shares):
            now = share + (1 - share) * (1 - progress) ** 3
            alone = {name: value[index].abs() for name, value in self.weights.items()}
            for name, mask in self.choose(alone, now).items():
                self.values[name][index] *= mask

    @torch.no_grad()
    def apply(self) -> None:
        """Set the weights that are not kept to zero."""
        for name, value in self.weights.items():
            value.mul_(self.values[name])


def largest(magnitudes: Tensor, count: int) -> Tensor:
    """Return the mask of the `count` largest of some magnitudes, in the shape of these."""
    flat = magnitudes.flatten()
    kept = torch.zeros_like(flat)
    kept[torch.topk(flat, min(count, len(flat))).indices] = 1
    return kept.view_as(magnitudes)
