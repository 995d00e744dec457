"""Weighted sum: a run minimises `(1 - lam) * loss + lam * complexity` at a fixed λ.

Reiners, Klamroth, Heldmann and Stiglmayr, arXiv 2008.13590, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from paretoprune.study.run import Run
from paretoprune.study.settings import Settings
from paretoprune.study.template import run_template
from paretoprune.training.methods.method import Method

if TYPE_CHECKING:
    from torch import Tensor

    from paretoprune.problem.problem import Problem
    from paretoprune.training.fleet import Fleet
    from paretoprune.training.methods.step_rule import StepRule


def template(settings: Settings) -> Run:
    """Return a run at λ = 0; the authors' recipe has an optimizer for each objective."""
    moments = "separate" if settings.recipe == "paper" else "joint"
    return replace(run_template(settings, "weighted-sum", lam=0.0), moments=moments)


def begin(runs: Sequence[Run], fleet: Fleet, problem: Problem) -> StepRule:
    """Return the rule of the steps: the weights are known, and λ rises during the warm-up."""
    from paretoprune.training.methods.step_rule import lams_of, rule_of_complexity

    lams = lams_of(runs, problem)  # [K]
    return rule_of_complexity(
        fleet, problem, runs[0], known=lambda lam_scale: weights_of(lams * lam_scale)
    )


def weights_of(lams: Tensor) -> Tensor:
    """Return each network's weights `(1 - lam, lam)`, in one block: [K] -> [K, 1, 2]."""
    import torch

    return torch.stack((1 - lams, lams), dim=1).unsqueeze(1)


WEIGHTED_SUM = Method(
    name="weighted-sum", label="weighted sum", has_lam=True, template=template, begin=begin
)
