"""Asynchronous proposals: the contract of every search while other runs are in training."""

import random

import pytest

from paretoprune.analysis.aggregate import alive
from paretoprune.analysis.indicators import hypervolume
from paretoprune.runner.asynchronous import new_lams, next_runs
from paretoprune.runner.rounds import networks_of, proposed_runs
from paretoprune.runner.runs import runs_of
from paretoprune.search import SEARCHES
from paretoprune.study.metric import R2
from tests.support.asynchronous import (
    DEAD,
    assert_asked_is_valid,
    begun,
    pairs_of,
    simulated,
    trained,
)
from tests.support.rounds import ALL, FRONT, first_fleets, plan_of, swept, swept_at_once
from tests.support.tables import CONSTANT_LOSS, table

SHARE = 0.97  # of what rounds cover, that going ahead of the table covers at least


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
    points = table(first_fleets(plan, stop))
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
    rows = first_fleets(plan_of(search), 2)
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
