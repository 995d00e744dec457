"""Methods that prune a dense network and train it on: their options, and the runs they list.

Every run starts from the weights of a dense one of the same seed, which is trained once, for all
shares and all such methods, with the study's epochs, λ = 0 and no pruning.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from paretoprune.errors import UsageError
from paretoprune.study.column import MANY, Column
from paretoprune.study.options import one_of, option, option_of, options_of, require_valid, within
from paretoprune.study.plan import Budget, Plan
from paretoprune.study.run import Run
from paretoprune.study.settings import Settings
from paretoprune.study.template import run_template
from paretoprune.training.methods.method import Method
from paretoprune.training.methods.weighted_sum import WEIGHTED_SUM

if TYPE_CHECKING:
    from paretoprune.problem.problem import Problem
    from paretoprune.training.fleet import Fleet
    from paretoprune.training.methods.mask_rule import Choose
    from paretoprune.training.methods.step_rule import StepRule

NAMES = ("magnitude", "uniform")  # the methods that read the options below
PANEL = "Pruning a dense network"
SCHEDULES = ("one-shot", "gradual")
KEEP, SCHEDULE = "keep", "prune_schedule"  # options of a run, and columns


def parse_shares(text: str) -> str:
    """Return shares such as `.5, 0.2` as they are stored; raise `UsageError` for others."""
    shares = []
    for word in text.split(","):
        try:
            share = float(word)
        except ValueError:
            share = math.nan
        if not 0 < share <= 1:
            raise UsageError(f"--keep {text}: {word.strip()!r} is no share above 0 and up to 1")
        if share in shares:
            raise UsageError(f"--keep {text}: {share:g} is there twice, leave one of them out")
        shares.append(share)
    return ",".join(f"{share!r}" for share in shares)


_option = partial(option, panel=PANEL, in_check=True)


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of a study's budget that concern such methods."""

    keep: str = _option(
        "0.5,0.2,0.1,0.05,0.02,0.01",
        "Shares of the prunable weights to keep, with commas between "
        "(default: 0.5,0.2,0.1,0.05,0.02,0.01)",
        parse=parse_shares,
    )
    prune_schedule: str = _option(
        "one-shot",
        "one-shot: pruned before the training goes on | gradual: in its first half "
        "(default: one-shot)",
        valid=one_of(SCHEDULES),
    )
    tune_epochs: int = _option(
        0,
        "Epochs of the training that goes on (default: the sweep's)",
        valid=within(0, MANY, f"from 0, the sweep's own, to {MANY}"),
    )

    def __post_init__(self) -> None:
        require_valid(self)
        parse_shares(self.keep)

    @property
    def shares(self) -> list[float]:
        """The shares of the prunable weights to keep."""
        return [float(word) for word in self.keep.split(",")]


def options_in(budget: Budget) -> Options:
    """Return the options that a budget holds."""
    names = {each.name for each in options_of(Options)}
    values: dict[str, Any] = {name: value for name, value in budget.further if name in names}
    return Options(**values)


COLUMNS = (
    Column(
        KEEP,
        "real",
        "share of the prunable weights that the run keeps",
        filled_by="run",
        older=None,
        checked="given",
        least=0,
        most=1,
        is_variant=True,
        is_place=True,
        phrase="keep {:g}",
    ),
    Column(
        SCHEDULE,
        "text",
        "`one-shot` or `gradual`: when the weights of a dense network are pruned",
        filled_by="run",
        older=None,
        is_variant=True,
        phrase="{}",
    ),
)


def is_asked_for(name: str, settings: Settings, budget: Budget) -> bool:
    """Return whether a study has runs of a method: as its own, or for comparison."""
    return name == settings.method or name in budget.compared


def dense_run(settings: Settings) -> Run:
    """Return the dense run, at the first seed."""
    template = WEIGHTED_SUM.template(settings)
    return replace(template, threshold=0.0, warm_up=0.0, moments="joint")


def dense_runs(name: str, plan: Plan) -> list[Run]:
    """Return the dense runs from which those of a method start, one per seed."""
    if not is_asked_for(name, plan.settings, plan.budget):
        return []
    dense = dense_run(plan.settings)
    return [replace(dense, seed=seed) for seed in plan.seeds]


def template(name: str, settings: Settings) -> Run:
    """Return a run of a method that keeps all weights."""
    plain = replace(run_template(settings, name, lam=None), warm_up=0.0, threshold=0.0)
    return replace(plain, options=tuple(sorted({KEEP: 1.0, SCHEDULE: SCHEDULES[0]}.items())))


def runs(name: str, plan: Plan) -> list[Run]:
    """Return the runs of a method: for each seed one per share, from the dense run of the seed."""
    asked = options_in(plan.budget)
    first = template(name, plan.settings)
    epochs = asked.tune_epochs or plan.settings.epochs
    return [
        replace(
            first,
            seed=dense.seed,
            parent=dense.id,
            epochs=epochs,
            options=tuple(sorted({KEEP: share, SCHEDULE: asked.prune_schedule}.items())),
        )
        for dense in dense_runs(name, plan)
        for share in asked.shares
    ]


def allow(
    names: Collection[str], settings: Settings, budget: Budget, given: Collection[str]
) -> None:
    """Raise `UsageError` if options are given that no method of the study reads.

    Args:
        names: The names of the methods that read them.
        settings: The settings of the study.
        budget: The budget of the study.
        given: The names of the options that were given.
    """
    read = sorted(option_of(each.name) for each in options_of(Options) if each.name in given)
    if read and not any(is_asked_for(name, settings, budget) for name in names):
        raise UsageError(
            f"{', '.join(read)}: of {' and '.join(names)}, of which this study has no runs: give "
            f"--compare {next(iter(names))} too"
        )


def require_weights(budget: Budget, sizes: Collection[int]) -> None:
    """Raise `UsageError` if a share leaves less than one weight of a part that is pruned.

    `sizes` are the numbers of weights of the parts that are pruned on their own.
    """
    least = min(sizes)
    for share in options_in(budget).shares:
        if round(share * least) < 1:
            raise UsageError(
                f"--keep {share:g} leaves less than one of {least:,} weights: take "
                f"{math.ceil(1e6 / least) / 1e6:g} or more"
            )


def sizes_of(problem: Problem) -> list[int]:
    """Return the number of weights of each prunable tensor."""
    state = dict(problem.network(problem.seed).named_parameters())
    return [state[name].numel() for name in problem.prunable]


def pruning_of(runs: Sequence[Run]) -> tuple[list[float], bool]:
    """Return the share that each run keeps, and whether the runs are pruned gradually."""
    values: list[dict[str, Any]] = [dict(run.options) for run in runs]
    return [each[KEEP] for each in values], values[0][SCHEDULE] == "gradual"


def pruning_method(
    name: str,
    label: str,
    choose: Choose,
    parts: Callable[[Sequence[int]], Collection[int]],
) -> Method:
    """Return a method that prunes a dense network and trains it on.

    Args:
        name: The name of the method, one of `NAMES`.
        label: The method in texts.
        choose: Returns masks of the weights to keep, from their magnitudes and the share.
        parts: Returns the numbers of weights of the parts that are pruned on their own, from those
            of the prunable tensors.
    """

    def fit(settings: Settings, budget: Budget, problem: Problem) -> None:
        if is_asked_for(name, settings, budget):
            require_weights(budget, parts(sizes_of(problem)))

    def begin(runs: Sequence[Run], fleet: Fleet, problem: Problem) -> StepRule:
        from paretoprune.training.methods.mask_rule import rule_of_masks

        shares, is_gradual = pruning_of(runs)
        return rule_of_masks(runs, fleet, problem, choose, shares, is_gradual=is_gradual)

    return Method(
        name=name,
        label=label,
        has_lam=False,
        template=partial(template, name),
        begin=begin,
        runs=partial(runs, name),
        parents=partial(dense_runs, name),
        differing=(KEEP,),
        budget=Options,
        allow=partial(allow, NAMES),
        fit=fit,
        reads=("repeats",),
        columns=COLUMNS,
        drawn={},
    )
