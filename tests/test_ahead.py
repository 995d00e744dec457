"""Ahead of the table: what is trained beside what is in training, for every search."""

import random
from dataclasses import asdict, replace

import numpy as np
import pytest

from paretoprune.analysis.aggregate import alive
from paretoprune.analysis.indicators import hypervolume
from paretoprune.runner.asynchronous import BELIEVED, PENDING, new_lams, next_runs, with_believed
from paretoprune.runner.rounds import networks_of, proposed_runs
from paretoprune.runner.runs import comparison_runs, runs_of
from paretoprune.search import SEARCHES
from paretoprune.study.metric import R2
from paretoprune.study.run import SMGD
from tests.tables import CONSTANT_LOSS, corner, table
from tests.test_rounds import ALL, FRONT, plan_of, swept, swept_at_once

ROUND = plan_of().settings.round_size
PLACES = 7  # runs in training at a time: about a round of searches that begin with small levels
SHARE = 0.97  # of what rounds cover, that going ahead of the table covers at least


def rows_of(runs, number):
    """Rows of runs, at their optimum; what SMGD finds lies off the front."""
    for run in runs:
        lam, role = (0.05, "comparison") if run.method == SMGD else (run.lam, "search")
        found = FRONT.train(lam, noise=1 + run.seed / 1000)
        yield {**found, **asdict(run), "round": number, "role": role}


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


def assert_each_run_is_there_once(rows):
    assert len(set(trained(rows))) == len(rows)


def covered(rows):
    """The share of losses and sizes that a table's front dominates, on logarithmic axes."""
    living = alive(table(rows))
    losses, sizes = living["train_loss"] / CONSTANT_LOSS, living["complexity"] / FRONT.widest
    return hypervolume(losses.to_numpy(), sizes.to_numpy(), R2)


@ALL
@pytest.mark.parametrize("places", [3, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 40))])
def test_it_ends_with_each_run_once_and_never_asks_for_what_is_known(search, places):
    plan = plan_of(search, max_runs=9, repeats=2, smgd=3)
    rows = simulated(plan, places, seed=places, check=assert_asked_is_valid)
    assert_each_run_is_there_once(rows)
    searched = [row for row in rows if row["role"] == "search"]
    assert len(rows) - len(searched) == 3
    assert {row["seed"] for row in searched} == {5, 6}
    assert len({row["lam"] for row in searched}) == 9


@ALL
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.slow
def test_its_front_comes_close_to_that_of_rounds(search, seed):
    plan = plan_of(search, smgd=0)
    ahead, rounds = simulated(plan, seed=seed), swept_at_once(plan)
    assert len(rounds) <= len(ahead) <= plan.budget.max_runs
    assert covered(ahead) >= SHARE * covered(rounds)


@ALL
@pytest.mark.parametrize(
    "landed", [0, 5, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 12))]
)
def test_order_of_rows_and_of_pending_is_irrelevant(search, landed):
    plan = plan_of(search, repeats=2)
    rows, pending = begun(plan, landed)
    points, expected = table(rows), next_runs(table(rows), plan, pending, 9)
    for seed in range(3):
        shuffled = points.sample(frac=1, random_state=seed)
        mixed = random.Random(seed).sample(pending, len(pending))
        for again in (shuffled, shuffled.reset_index(drop=True)):
            assert next_runs(again, plan, mixed, 9) == expected


@ALL
@pytest.mark.parametrize("landed", [1, 6])
def test_asking_alters_nothing(search, landed):
    plan = plan_of(search)
    rows, pending = begun(plan, landed)
    points = table(rows)
    before = points.copy(deep=True)
    assert next_runs(points, plan, pending, 4) == next_runs(points, plan, pending, 4)
    assert points.equals(before)


@ALL
@pytest.mark.parametrize("stop", [0, 2, 4])
def test_with_nothing_pending_it_begins_as_the_search_does(search, stop):
    plan = plan_of(search, smgd=0)
    points = table(swept(plan, stop=stop))
    expected = proposed_runs(points, plan)
    found = next_runs(points, plan, (), len(expected))
    assert list(found.runs) == expected
    assert next_runs(points, plan, (), 2).runs == found.runs[: 2 if stop else None]


@ALL
def test_nobody_asks_for_nothing(search):
    assert next_runs(table([]), plan_of(search), (), 0) is None
    assert next_runs(table([]), plan_of(search), (), -3) is None


@ALL
def test_before_anything_is_known_half_of_the_lams_are_placed_at_most(search):
    plan = plan_of(search, max_runs=40)
    first = next_runs(table([]), plan, (), 100)
    assert {run.seed for run in first.runs} == {5}
    assert 0 < len(first.runs) <= 20
    assert len(first.runs) == (20 if search in ("knee", "grid") else 3)
    assert next_runs(table([]), plan_of(search, smgd=0), first.runs[:1], 5) is None
    seeds = next_runs(table([]), plan_of(search, max_runs=200, repeats=5), (), 70).runs
    assert len(seeds) == (70 if search in ("knee", "grid") else 15), "no more than fill the places"


@ALL
def test_seeds_that_lams_lack_come_before_new_lams(search):
    rows = swept(plan_of(search), stop=2)
    plan, known = plan_of(search, repeats=3), sorted(row["lam"] for row in rows)
    lacking = [(lam, seed) for seed in (6, 7) for lam in known]
    asked = next_runs(table(rows), plan, (), len(lacking) + 3)
    assert pairs_of(asked.runs)[: len(lacking)] == lacking
    new = pairs_of(asked.runs)[len(lacking) :]
    assert [seed for _, seed in new] == [5, 6, 7]
    assert new[0][0] not in known
    first, *others = runs_of(lacking, plan)
    left = next_runs(table(rows), plan, [first], 2).runs
    assert list(left) == others[:2]


def test_a_smaller_total_asks_for_smgd_only():
    rows, plan = swept(plan_of(max_runs=9)), plan_of(max_runs=4, smgd=2)
    assert next_runs(table(rows), plan, (), 9).runs == tuple(comparison_runs(plan))


def test_runs_again_come_first_but_for_those_in_training():
    plan = plan_of()
    rows = swept(plan, stop=3)
    lost = runs_of([(row["lam"], row["seed"]) for row in rows[1:4]], plan)
    ids = frozenset(run.id for run in lost)
    asked = next_runs(table(rows), plan, (), 9, ids)
    assert (asked.runs, asked.number) == (tuple(lost), rows[1]["round"])
    assert next_runs(table(rows), plan, (), 2, ids).runs == tuple(lost[:2])
    assert next_runs(table(rows), plan, lost[:1], 9, ids).runs == tuple(lost[1:])
    new = next_runs(table(rows), plan, lost, 9, ids)
    assert not {run.id for run in new.runs} & ids


def test_smgd_comes_last_and_each_run_once():
    plan = plan_of(max_runs=8, smgd=3)
    rows = swept(plan_of(max_runs=8, smgd=0))
    asked = next_runs(table(rows), plan, (), 2)
    assert (asked.role, len(asked.runs)) == ("comparison", 2)
    rest = next_runs(table(rows), plan, asked.runs, 2)
    assert (*asked.runs, *rest.runs) == tuple(comparison_runs(plan))
    assert next_runs(table(rows), plan, comparison_runs(plan), 2) is None
    roles = table(simulated(plan, places=1, rows=rows[:5]))["role"].tolist()
    assert roles == ["search"] * 8 + ["comparison"] * 3


def test_the_method_smgd_searches_nothing():
    plan = plan_of(smgd=4)
    plan = replace(plan, settings=replace(plan.settings, method=SMGD))
    assert next_runs(table([]), plan, (), 9).runs == tuple(comparison_runs(plan))
    rows = simulated(plan, places=2, check=assert_asked_is_valid)
    assert sorted(row["seed"] for row in rows) == [5, 6, 7, 8]


def test_what_is_believed_lies_between_its_neighbours():
    lams = [0.0, 1e-4, 1e-3, 1e-2, 0.1]
    networks = networks_of(table(FRONT.train(lam) for lam in lams[1:4]))
    fresh = [2e-4, 9e-4, 5e-3]
    known = with_believed(networks, [*fresh, *lams]).set_index("lam").sort_index()
    assert known.loc[fresh, "status"].eq("done").all()
    assert known.loc[[0.0, 0.1], "status"].eq(PENDING).all()
    inside = known[known["status"] == "done"]
    for name in set(BELIEVED) - {"val_error"}:  # the same for all in closed form
        steps = inside[name].diff().dropna()
        assert (steps > 0).all() or (steps < 0).all(), name


def test_half_way_in_the_logarithms_is_the_geometric_mean():
    networks = networks_of(table([corner(1e-4, 0.1, 400.0), corner(1e-2, 0.9, 4.0)]))
    believed = with_believed(networks, [1e-3]).set_index("lam").loc[1e-3]
    assert believed["train_loss"] == pytest.approx(0.3)
    assert believed["complexity"] == pytest.approx(40.0)


def test_what_is_known_is_not_believed():
    networks = networks_of(table(FRONT.train(lam) for lam in (0.0, 1e-3)))
    assert with_believed(networks, [0.0, 1e-3]).equals(networks)
    more = with_believed(networks, [0.0, 5e-4])
    assert more.iloc[:2].equals(networks)
    assert len(more) == 3


DEAD = {
    "collapsed": corner(0.5, CONSTANT_LOSS, 0.0, collapsed=True),
    "failed": {"lam": 0.5, "status": "failed"},
    "diverged": {"lam": 0.5, "status": "diverged"},
}


@pytest.mark.parametrize("dead", DEAD.values(), ids=DEAD.keys())
def test_beside_a_network_that_died_nothing_is_believed(dead):
    rows = [dead, FRONT.train(0.0), FRONT.train(1e-3)]
    for mixed in (rows, rows[::-1]):
        networks = networks_of(table(mixed))
        known = with_believed(networks, [1e-4, 0.1, 0.9]).set_index("lam")
        assert known.loc[[1e-4, 0.1, 0.9], "status"].tolist() == ["done", PENDING, PENDING]
        assert np.isfinite(known.loc[1e-4, list(BELIEVED)].to_numpy(float)).all()


@pytest.mark.parametrize("search", [s for s in SEARCHES if s != "grid"])
@pytest.mark.parametrize("dead", DEAD.values(), ids=DEAD.keys())
def test_where_nothing_lives_nothing_new_is_asked_for(search, dead):
    rows, plan = [{**dead, "lam": lam, "seed": 5} for lam in (0.0, 0.1)], plan_of(search, smgd=0)
    pending = runs_of([(0.01, 5)], plan)
    assert next_runs(table(rows), plan, pending, 5) is None


@ALL
def test_of_lam_0_alone_a_search_goes_on(search):
    rows, plan = [{**FRONT.train(0.0), "seed": 5}], plan_of(search)
    asked = next_runs(table(rows), plan, runs_of([(FRONT.lam_ref, 5)], plan), 3)
    if search == "knee":  # it waits
        assert asked is None or asked.role == "comparison"
    else:
        assert asked.role == "search"
        assert all(run.lam > 0 for run in asked.runs)


@ALL
def test_a_search_that_believes_asks_for_as_many_lams_as_there_are_places(search):
    plan = plan_of(search, max_runs=100, tolerance=0.0)
    networks = networks_of(table(swept(plan, stop=4)))
    lams = new_lams(networks, plan, set(networks["lam"]), 16)
    assert len(set(lams)) == len(lams) == 16
    assert not set(lams) & set(networks["lam"])


def test_what_is_pending_is_no_lam_that_killed():
    """Lam 0 lands first: that the others are in training is no reason to look below them."""
    plan = plan_of(smgd=0)
    first = next_runs(table([]), plan, (), 8)
    zero, others = first.runs[:1], first.runs[1:]
    assert zero[0].lam == 0
    least = min(run.lam for run in others)
    asked = next_runs(table(rows_of(zero, 0)), plan, others, 6)
    assert asked is None or min(run.lam for run in asked.runs) > least
