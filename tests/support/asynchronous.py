"""Sweeps on fronts in closed form whose runs land in any order."""

import random

from paretoprune.runner.asynchronous import next_runs
from paretoprune.training.methods.smgd import NAME as SMGD
from tests.support.rounds import FRONT, plan_of
from tests.support.tables import CONSTANT_LOSS, corner, table

ROUND = plan_of().settings.round_size
PLACES = 7  # runs in training at a time: about a round of searches that begin with small levels


def rows_of(runs, number):
    """Rows of runs, at their optimum; what SMGD finds lies off the front."""
    for run in runs:
        lam, role = (0.05, "comparison") if run.method == SMGD else (run.lam, "search")
        found = FRONT.train(lam, noise=1 + run.seed / 1000)
        yield {**found, **run.values, "round": number, "role": role}


def simulated(plan, places=PLACES, seed=0, rows=(), check=lambda *_: None):
    """Rows after going on to the end: one of the pending runs after another lands, in any order."""
    rows, pending, draw = list(rows), [], random.Random(seed)
    while True:
        runs = [run for run, _ in pending]
        asked = next_runs(table(rows), plan, runs, places - len(runs))
        check(asked, rows, runs, plan, places - len(runs))
        pending += [(run, asked.number) for run in asked.runs] if asked else []
        if not pending:
            return rows
        run, number = pending.pop(draw.randrange(len(pending)))
        rows += rows_of([run], number)


def begun(plan, landed, seed=0, places=PLACES):
    """The rows of the first that land, and what is then pending."""
    rows, pending, draw = [], [], random.Random(seed)
    while len(rows) < landed:
        asked = next_runs(table(rows), plan, pending, places - len(pending))
        pending += asked.runs if asked else ()
        rows += rows_of([pending.pop(draw.randrange(len(pending)))], len(rows))
    return rows, pending


def pairs_of(runs):
    return [(run.lam, run.seed) for run in runs]


def trained(rows):
    return [(row["lam"], row["seed"]) for row in rows]


def assert_asked_is_valid(asked, rows, pending, plan, wanted):
    """New, within the total of lams, pending ones counted, and after the first what is wanted."""
    if asked is None:
        return
    assert 0 < len(asked.runs) <= (wanted if rows else max(wanted, ROUND * plan.budget.repeats))
    new, known = pairs_of(asked.runs), [*trained(rows), *pairs_of(pending)]
    assert len(set(new)) == len(new)
    assert not set(new) & set(known)
    lams = {lam for lam, _ in (*new, *known)}
    assert len(lams - {None}) <= plan.budget.max_runs
    assert asked.number > max((row["round"] for row in rows), default=-1)
    assert {run.epochs for run in asked.runs} == {plan.settings.epochs}


DEAD = {
    "collapsed": corner(0.5, CONSTANT_LOSS, 0.0, collapsed=True),
    "failed": {"lam": 0.5, "status": "failed"},
    "diverged": {"lam": 0.5, "status": "diverged"},
}
