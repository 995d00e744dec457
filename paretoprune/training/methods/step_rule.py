"""Rule of a fleet's steps: everything that a method decides while a fleet is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from paretoprune.study.run import Run
from paretoprune.training.methods.gradient_weights import Weighting

if TYPE_CHECKING:
    from paretoprune.problem.problem import Problem
    from paretoprune.training.fleet import Fleet

Parameters = Mapping[str, Tensor]  # [K, *shape] each, by name


def nothing() -> None:
    """Do nothing."""


def no_quantities() -> dict[str, Tensor]:
    """Return no quantities."""
    return {}


def no_values(index: int) -> dict[str, object]:
    """Return no values of columns."""
    return {}


@dataclass(kw_only=True)
class StepRule:
    """The rule of a fleet's steps.

    The weights of the objectives are either known before the gradients (`known`), or follow from
    them (`weighting`).

    Attributes:
        known: returns the weights of the objectives, [K, blocks, 2], from the factor by which λ has
            risen in the warm-up; `None` if they follow from the gradients.
        weighting: the gradient weighting; `None` if the weights are known.
        blocks: the index of each parameter's block, by name. Each block has weights of its own.
        penalized: the names of the parameters that the second objective depends on.
        penalty_gradient: returns the gradient of the second objective for a penalized parameter,
            from its name and its values [K, *shape].
        penalties: returns the second objective of each block, [K] each, from all parameters.
        decayed: the names of the parameters whose sum of squares, times `l2_conv`, is added to the
            loss.
        state: tensors that the rule changes in place; they are saved and restored with a fleet.
        after_step: called after each step, when weights are pruned.
        at_end: called after the last step, before the networks are measured.
        quantities: returns the further columns of the history at the end of an epoch, [K] each.
        values: returns the values of the method's columns for the network at an index.
    """

    known: Callable[[float], Tensor] | None = None
    weighting: Weighting | None = None
    blocks: Mapping[str, int]
    penalized: frozenset[str]
    penalty_gradient: Callable[[str, Tensor], Tensor]
    penalties: Callable[[Parameters], Sequence[Tensor]]
    decayed: frozenset[str]
    state: dict[str, Tensor] = field(default_factory=dict)
    after_step: Callable[[], None] = nothing
    at_end: Callable[[], None] = nothing
    quantities: Callable[[], dict[str, Tensor]] = no_quantities
    values: Callable[[int], dict[str, object]] = no_values

    def __post_init__(self) -> None:
        if (self.known is None) == (self.weighting is None):
            raise ValueError("a rule has either weights that are known, or a weighting")


def rule_of_complexity(
    fleet: Fleet,
    problem: Problem,
    run: Run,
    *,
    known: Callable[[float], Tensor] | None = None,
    weighting: Weighting | None = None,
) -> StepRule:
    """Return the rule whose second objective is the complexity, with one block of parameters."""
    return StepRule(
        known=known,
        weighting=weighting,
        blocks=dict.fromkeys(fleet.parameters, 0),
        penalized=frozenset(problem.prunable),
        penalty_gradient=problem.complexity_gradient,
        penalties=lambda parameters: [problem.complexity_of(parameters)],
        decayed=frozenset(problem.convolutions if run.l2_conv > 0 else ()),
    )


def lams_of(runs: Sequence[Run], problem: Problem) -> Tensor:
    """Return the λ of each run, [K], on the device of the problem."""
    lams = torch.tensor([run.lam for run in runs])
    return lams.to(problem.device, torch.get_default_dtype())
