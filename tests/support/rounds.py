"""Sweeps on fronts in closed form: rounds without any training."""

from functools import cache
from itertools import groupby, islice

import pytest

from paretoprune.runner.rounds import next_round
from paretoprune.runner.runs import fleets_of
from paretoprune.search import SEARCHES
from paretoprune.study.options import from_values
from paretoprune.study.plan import Budget, Measured, Plan
from paretoprune.study.settings import Settings
from tests.support.tables import CONSTANT_LOSS, FRONTS, PRUNABLE, table

FRONT = FRONTS[2]
ALL = pytest.mark.parametrize("search", SEARCHES)


def plan_of(search="knee", **budget):
    return Plan(
        settings=Settings(search=search, seed=5),
        budget=from_values(Budget, {"max_runs": 20, "tolerance": 0.0005, **budget}),
        measured=Measured(
            lam_ref=FRONT.lam_ref,
            constant_loss=CONSTANT_LOSS,
            prunable_weights=PRUNABLE,
            validation_images=100,
            test_images=100,
            fleet_size=3,
        ),
    )


def trained(runs, number):
    """Rows of runs, at their optimum; seeds differ by a little noise."""
    for run in runs:
        noise = 1 + (run.seed - 5) / 1000
        row = FRONT.row(run.lam, FRONT.minimiser(run.lam), noise=noise)
        yield {**row, **run.values, "round": number}


def swept(plan, rows=(), stop=10**6):
    """Rows after going on until the search is done or `stop` fleets are recorded."""
    rows, size = list(rows), plan.budget.fleet or plan.measured.fleet_size
    while round_ := next_round(table(rows), plan):
        for fleet in fleets_of(round_.runs, size):
            if stop == 0:
                return rows
            rows += trained(fleet, round_.number)
            stop -= 1
    return rows


@cache
def swept_at_once(plan):
    return tuple(swept(plan))


def batched(rows, size):
    """Rows in fleets of a size, as runs that are alike are cut."""
    rows = list(rows)
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def first_fleets(plan, count):
    """The rows of so many fleets: those of `swept(plan, stop=count)`, and searched for once."""
    rounds = groupby(swept_at_once(plan), key=lambda row: row["round"])
    size = plan.budget.fleet or plan.measured.fleet_size
    fleets = (fleet for _, rows in rounds for fleet in batched(rows, size))
    return [row for fleet in islice(fleets, count) for row in fleet]
