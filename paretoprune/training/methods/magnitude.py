"""Magnitude pruning: a dense network keeps its largest weights, wherever they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from paretoprune.study.plan import Budget
from paretoprune.study.run import Run
from paretoprune.study.settings import Settings
from paretoprune.training.methods import dense_parent
from paretoprune.training.methods.method import Method

if TYPE_CHECKING:
    from torch import Tensor

    from paretoprune.problem.problem import Problem
    from paretoprune.training.fleet import Fleet
    from paretoprune.training.methods.step_rule import StepRule

NAME = "magnitude"


def choose(magnitudes: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """Return masks of the largest of all weights together."""
    import torch

    from paretoprune.training.methods.mask_rule import largest

    flat = torch.cat([value.flatten() for value in magnitudes.values()])
    mask = largest(flat, round(share * len(flat)))
    parts = mask.split([value.numel() for value in magnitudes.values()])
    pairs = zip(magnitudes.items(), parts, strict=True)
    return {name: part.view_as(value) for (name, value), part in pairs}


def fit(settings: Settings, budget: Budget, problem: Problem) -> None:
    """Raise `UsageError` if a share leaves less than one weight."""
    if dense_parent.is_asked_for(NAME, settings, budget):
        dense_parent.require_weights(budget, [sum(dense_parent.sizes_of(problem))])


def begin(runs: Sequence[Run], fleet: Fleet, problem: Problem) -> StepRule:
    """Return the rule of the steps."""
    from paretoprune.training.methods.mask_rule import rule_of_masks

    shares, is_gradual = dense_parent.pruning_of(runs)
    return rule_of_masks(runs, fleet, problem, choose, shares, is_gradual=is_gradual)


MAGNITUDE = Method(
    name=NAME,
    label="magnitude pruning",
    has_lam=False,
    template=partial(dense_parent.template, NAME),
    begin=begin,
    runs=partial(dense_parent.runs, NAME),
    parents=partial(dense_parent.dense_runs, NAME),
    differing=(dense_parent.KEEP,),
    budget=dense_parent.Options,
    allow=partial(dense_parent.allow, dense_parent.NAMES),
    fit=fit,
    reads=("repeats",),
    columns=dense_parent.COLUMNS,
    drawn={},
)
