"""Stochastic multi-gradient descent (SMGD): steps along the shortest combination of gradients.

The method is that of Liu and Vicente, arXiv 1907.04472. It has no λ: each seed ends at a trade-off
of its own, so its runs are points to compare a front with. With `--split` the convolutions are a
block with separate weights, whose second objective is their sum of squares.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from paretoprune.errors import UsageError
from paretoprune.study.column import MANY
from paretoprune.study.options import (
    one_of,
    option,
    option_of,
    options_of,
    require,
    require_valid,
    within,
)
from paretoprune.study.plan import Budget, Plan
from paretoprune.study.run import MOMENTS, Run
from paretoprune.study.settings import Settings
from paretoprune.study.template import run_template
from paretoprune.training.methods.method import WEIGHTS, Method

if TYPE_CHECKING:
    from torch import Tensor

    from paretoprune.problem.problem import Problem
    from paretoprune.training.fleet import Fleet
    from paretoprune.training.methods.step_rule import Parameters, StepRule

NAME, LABEL, PANEL = "smgd", "SMGD", "Comparison with SMGD"
NORMALIZE = ("none", "l2", "loss")
USUAL_RUNS = 3  # of a new study; studies of older versions have none
DENSE, CONVOLUTIONAL = 0, 1  # blocks of a split network
# Factor of the convolutions' sum of squares if it is a separate objective. Min-norm weights follow
# the smaller gradient. With 100 the convolutions are deleted; from 500 on the factor does not
# matter (docs/experiments.md).
SPLIT_L2 = 2000.0

_option = partial(option, panel=PANEL)


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of a study's budget that concern SMGD."""

    smgd: int = _option(
        0,
        "Runs of SMGD, one per seed, to compare the front with (default: 3)",
        valid=within(0, 1000),
        in_check=True,
    )
    smgd_epochs: int = _option(
        0,
        "Epochs of a run of SMGD (default: the sweep's)",
        valid=within(0, MANY, f"from 0, the sweep's own, to {MANY}"),
    )
    moments: str = _option(
        "joint",
        "joint: one optimizer sees the combined gradient | separate: one for each objective, as "
        "the authors' (default: joint)",
        valid=one_of(MOMENTS),
    )
    normalize: str = _option(
        "none",
        "Each gradient is divided by: none | l2, its length | loss, its objective's value"
        " (default: none)",
        valid=one_of(NORMALIZE),
    )
    split: bool = _option(
        False,
        "Convolutions trade the loss against their sum of squares, apart from the dense layers "
        "(default: --no-split)",
        off="--no-split",
    )

    def __post_init__(self) -> None:
        require_valid(self)


def options_in(budget: Budget) -> Options:
    """Return the options that a budget holds."""
    names = {each.name for each in options_of(Options)}
    values: dict[str, Any] = {name: value for name, value in budget.further if name in names}
    return Options(**values)


def defaults(settings: Settings, budget: Budget) -> Mapping[str, object]:
    """Return the options of a new study; the authors' recipe has separate moments."""
    is_wanted = NAME in (*budget.compared, settings.method) or not budget.compared
    runs = {"smgd": usual_runs(settings) if is_wanted else 0}
    return {**runs, "moments": "separate"} if settings.recipe == "paper" else runs


def usual_runs(settings: Settings) -> int:
    """Return the number of runs if it is not given: with `--init` all would begin alike."""
    return 1 if settings.init else USUAL_RUNS


def template(settings: Settings) -> Run:
    """Return a run without a λ, which could rise."""
    return replace(run_template(settings, NAME, lam=None), warm_up=0.0)


def runs(plan: Plan) -> list[Run]:
    """Return the runs that the budget asks for, one per seed.

    In a split network `l2_conv` is not a weight decay but the factor of an objective. It is then
    `SPLIT_L2`, whatever the study's value.
    """
    settings, asked = plan.settings, options_in(plan.budget)
    first = replace(
        template(settings),
        epochs=asked.smgd_epochs or settings.epochs,
        moments=asked.moments,
        normalize=asked.normalize,
        split=asked.split,
        l2_conv=SPLIT_L2 if asked.split else settings.l2_conv,
    )
    count = asked.smgd or (usual_runs(settings) if NAME in plan.budget.compared else 0)
    return [replace(first, seed=settings.seed + number) for number in range(count)]


def allow(settings: Settings, budget: Budget, given: Collection[str]) -> None:
    """Raise `UsageError` for options that have no effect in a study or exclude each other."""
    asked = options_in(budget)
    if settings.method == NAME:
        require(asked.smgd > 0, "--smgd", asked.smgd, f"1 or more with --method {NAME}")
    if NAME in budget.compared and "smgd" in given and not asked.smgd:
        raise UsageError(f"--smgd 0 and --compare {budget.compare} exclude each other")
    of_runs = {each.name for each in options_of(Options)} - {"smgd"}
    names = sorted(option_of(name) for name in of_runs & set(given))
    if names and not asked.smgd:
        raise UsageError(
            f"{', '.join(names)}: of SMGD runs, of which this study has none: give --smgd 3 too"
        )
    if settings.init and asked.smgd > 1:
        raise UsageError(
            "--smgd above 1 has no meaning with --init: every seed would begin with the same "
            "weights"
        )
    if asked.split and settings.prunable != "linear":
        raise UsageError(
            f"--split gives convolutions an objective of their own, which --prunable "
            f"{settings.prunable} counts too: take --prunable linear"
        )


def fit(settings: Settings, budget: Budget, problem: Problem) -> None:
    """Raise `UsageError` if there are no convolutions to split off."""
    if options_in(budget).split and not problem.convolutions:
        raise UsageError("--split has no meaning for a model without convolutions: leave it out")


def begin(runs: Sequence[Run], fleet: Fleet, problem: Problem) -> StepRule:
    """Return the rule of the steps: the weights follow from the gradients."""
    from paretoprune.training.methods.gradient_weights import shortest
    from paretoprune.training.methods.step_rule import rule_of_complexity

    first = runs[0]
    rule = rule_of_complexity(fleet, problem, first, weighting=shortest(first.normalize))
    return split_off(rule, problem, first.l2_conv) if first.split else rule


def split_off(rule: StepRule, problem: Problem, factor: float) -> StepRule:
    """Return the rule for a split network.

    The layers with prunable weights form the dense block, and all others the convolutional one,
    whose second objective is `factor` times the sum of squares of the convolutions' weights.
    """
    dense = {name.rpartition(".")[0] for name in problem.prunable}
    prunable, convolutions = set(problem.prunable), problem.convolutions

    def gradient(name: str, value: Tensor) -> Tensor:
        return problem.complexity_gradient(name, value) if name in prunable else 2 * factor * value

    def values(parameters: Parameters) -> Sequence[Tensor]:
        from paretoprune.pruning.penalties import total

        kernels = (parameters[name] for name in convolutions)
        squares = total(kernel.square().flatten(1).sum(1) for kernel in kernels)
        return [problem.complexity_of(parameters), factor * squares]

    return replace(
        rule,
        blocks={
            name: DENSE if name.rpartition(".")[0] in dense else CONVOLUTIONAL
            for name in rule.blocks
        },
        penalized=frozenset({*problem.prunable, *convolutions}),
        penalty_gradient=gradient,
        penalties=values,
        decayed=frozenset(),
    )


SMGD = Method(
    name=NAME,
    label=LABEL,
    has_lam=False,
    template=template,
    begin=begin,
    runs=runs,
    is_front=False,
    is_usual=True,
    training=("--smgd", str(USUAL_RUNS)),
    budget=Options,
    defaults=defaults,
    allow=allow,
    fit=fit,
    weights=(WEIGHTS, ("conv_loss_weight", "conv_l2_weight")),
    drawn={WEIGHTS[1]: "", "conv_l2_weight": "weight of l2 on the convolutions"},
)
