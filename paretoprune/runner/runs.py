"""Runs of a plan: the runs for given λs and seeds, and those of the comparison with SMGD."""

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace

from paretoprune.study.options import options_of
from paretoprune.study.plan import Plan
from paretoprune.study.run import SMGD, WEIGHTED_SUM, Run
from paretoprune.study.settings import Settings

# Factor of the convolutions' sum of squares if it is a separate objective. Min-norm weights follow
# the smaller gradient. With 100 the convolutions are deleted; from 500 on the factor does not
# matter (docs/experiments.md).
SPLIT_L2 = 2000.0

FIELDS = {each.name for each in fields(Run)}
Pair = tuple[float, int]  # λ and seed


def run_template(settings: Settings) -> Run:
    """Return a run with the values of the study's settings and λ = 0."""
    declared = [each for each in options_of(Settings) if each.of_run]
    values = {each.of_run: getattr(settings, each.name) for each in declared}
    further = {
        each.of_run: values.pop(each.of_run) for each in declared if each.of_run not in FIELDS
    }
    changed = {each.of_run for each in declared if getattr(settings, each.name) != each.default}
    return Run(
        method=WEIGHTED_SUM,
        lam=0.0,
        moments="separate" if settings.recipe == "paper" else "joint",
        options=tuple(sorted((name, further[name]) for name in further.keys() & changed)),
        **values,
    )


def comparison_runs(plan: Plan) -> list[Run]:
    """Return the SMGD runs that the budget asks for, one per seed.

    In a split network `l2_conv` is not a weight decay but the factor of an objective. It is then
    `SPLIT_L2`, whatever the study's value.
    """
    settings, budget = plan.settings, plan.budget
    template = replace(
        run_template(settings),
        method=SMGD,
        lam=None,
        epochs=budget.smgd_epochs or settings.epochs,
        moments=budget.moments,
        normalize=budget.normalize,
        split=budget.split,
        warm_up=0.0,  # there is no λ that could rise
        l2_conv=SPLIT_L2 if budget.split else settings.l2_conv,
    )
    return [replace(template, seed=settings.seed + number) for number in range(budget.smgd)]


def seeds_of(plan: Plan) -> range:
    """Return the seeds of each λ."""
    return range(plan.settings.seed, plan.settings.seed + plan.budget.repeats)


def runs_of(pairs: Sequence[Pair], plan: Plan) -> list[Run]:
    """Return the runs for pairs of λ and seed."""
    template = run_template(plan.settings)
    return [replace(template, lam=lam, seed=seed) for lam, seed in pairs]


def fleets_of(runs: Sequence[Run], size: int) -> Iterator[tuple[Run, ...]]:
    """Cut runs into fleets of at most `size` runs, in order.

    The rule is fixed, so that a continued sweep trains the same fleets.
    """
    for start in range(0, len(runs), size):
        yield tuple(runs[start : start + size])
