"""Rounds: what is trained next follows from the table alone, interrupted or not."""

from dataclasses import replace

import pytest

from paretoprune.runner.rounds import lams_of, next_round, propose, proposed_runs
from paretoprune.runner.runs import fleets_of, run_template
from paretoprune.search import SEARCHES
from tests.support.rounds import ALL, FRONT, first_fleets, plan_of, swept, swept_at_once, trained
from tests.support.tables import table


def names(rows):
    return [(row["round"], row["lam"], row["seed"]) for row in rows]


def rounds_of(rows):
    return {number: [n[1:] for n in names(rows) if n[0] == number] for number, *_ in names(rows)}


def assert_resume_equals_uninterrupted(plan, rows, stop, expected):
    assert names(swept(plan, swept(plan, rows, stop))) == names(expected)


@ALL
@pytest.mark.parametrize("stop", [1, 4, 7])
def test_interrupted_is_as_uninterrupted(search, stop):
    plan = plan_of(search)
    assert names(swept(plan, first_fleets(plan, stop))) == names(swept_at_once(plan))


@ALL
def test_rounds_are_numbered_sized_and_within_the_total(search):
    rounds = rounds_of(swept_at_once(plan_of(search)))
    sizes = [len(runs) for runs in rounds.values()]
    assert list(rounds) == list(range(len(rounds)))
    assert max(sizes) <= 8
    assert sum(sizes) <= 20
    if search in ("knee", "grid"):  # the others begin with small levels
        assert (sizes[0], sum(sizes)) == (8, 20)


def test_runs_carry_the_studys_settings():
    plan = plan_of()
    round_ = next_round(table([]), plan)
    assert round_.number == 0
    for run in round_.runs:
        assert run == replace(run_template(plan.settings), lam=run.lam)
        assert (run.seed, run.method) == (5, "weighted-sum")


@pytest.mark.parametrize("recorded", [1, 3, 6])
def test_a_begun_round_is_finished_with_what_is_missing_in_the_same_order(recorded):
    plan = plan_of()
    whole = next_round(table([]), plan)
    first = list(trained(whole.runs, 0))
    assert next_round(table(first[:recorded]), plan) == replace(whole, runs=whole.runs[recorded:])
    second = next_round(table(first), plan)
    assert second.number == 1
    rows = [*first, *trained(second.runs[:recorded], 1)]
    assert next_round(table(rows), plan) == replace(second, runs=second.runs[recorded:])
    holes = [*first, *trained(second.runs[recorded:], 1)]
    assert next_round(table(holes), plan) == replace(second, runs=second.runs[:recorded])


def test_a_failed_run_is_not_repeated():
    plan = plan_of()
    runs = next_round(table([]), plan).runs
    failed = [{**runs[3].values, "round": 0, "status": "failed"}]
    rows = [*trained((*runs[:3], *runs[4:]), 0), *failed]
    round_ = next_round(table(rows), plan)
    assert round_.number == 1
    assert runs[3] not in round_.runs


def test_a_round_that_the_total_cut_is_completed_when_the_total_is_raised():
    rows = list(swept_at_once(plan_of()))
    more = next_round(table(rows), plan_of(max_runs=40))
    at_once = rounds_of(swept_at_once(plan_of(max_runs=40)))
    begun = len(rounds_of(rows)[2])
    assert 0 < begun < len(at_once[2])  # the total did cut it
    assert (more.number, len(more.runs)) == (2, len(at_once[2]) - begun)
    step_by_step = swept(plan_of(max_runs=40), rows)
    assert rounds_of(step_by_step) == at_once
    assert lams_of(table(step_by_step)) > lams_of(table(rows)) == 20


def test_grid_goes_on_when_the_total_is_raised():
    rows = swept(plan_of("grid", max_runs=40), swept(plan_of("grid")))
    assert lams_of(table(rows)) == len(rows) == 40


@ALL
@pytest.mark.parametrize("max_runs", [2, 8, 9])
def test_the_total_is_of_lams(search, max_runs):
    for repeats in (1, 3):
        rows = swept(plan_of(search, max_runs=max_runs, repeats=repeats))
        assert lams_of(table(rows)) == max_runs
        assert len(rows) == max_runs * repeats
        assert next_round(table(rows), plan_of(search, max_runs=max_runs)) is None


def test_a_smaller_total_trains_nothing():
    rows = list(swept_at_once(plan_of()))
    for max_runs in (1, 8, 19, 20):
        assert next_round(table(rows), plan_of(max_runs=max_runs)) is None


def test_the_search_ends_before_the_total_where_it_is_done():
    plan = plan_of(max_runs=500, tolerance=0.01)
    rows = swept(plan)
    assert 8 < len(rows) < 60
    assert next_round(table(rows), plan) is None


def test_seeds_of_a_round_come_lam_by_lam_for_one_seed_after_another():
    runs = next_round(table([]), plan_of(repeats=3)).runs
    once = [run.lam for run in next_round(table([]), plan_of()).runs]
    assert [run.lam for run in runs] == once * 3
    assert [run.seed for run in runs] == [5] * 8 + [6] * 8 + [7] * 8


def test_more_repeats_first_complete_the_known_lams():
    rows = swept(plan_of(max_runs=16))
    known = sorted(row["lam"] for row in rows)
    plan = plan_of(repeats=3)
    lacking = next_round(table(rows), plan)
    expected = [(lam, seed) for seed in (6, 7) for lam in known]
    assert [(run.lam, run.seed) for run in lacking.runs] == expected
    both = [*rows, *trained(lacking.runs, lacking.number)]
    new = next_round(table(both), plan)
    assert new.number == lacking.number + 1
    assert not {run.lam for run in new.runs} & set(known)
    assert [run.seed for run in new.runs] == [5] * 4 + [6] * 4 + [7] * 4
    whole = swept(plan, rows)
    for stop in (1, 11, 13):  # fleets: 11 of lacking seeds, then 4 of new lams
        assert_resume_equals_uninterrupted(plan, rows, stop, whole)


def test_fewer_repeats_ask_for_nothing_more():
    rows = swept(plan_of(max_runs=16, repeats=2))
    assert next_round(table(rows), plan_of(max_runs=16)) is None
    more = next_round(table(rows), plan_of(max_runs=20))
    assert [run.seed for run in more.runs] == [5] * 4


@pytest.mark.parametrize("size", [1, 3, 8, 100])
def test_fleets_are_cut_in_order(size):
    runs = next_round(table([]), plan_of()).runs
    fleets = list(fleets_of(runs, size))
    assert tuple(run for fleet in fleets for run in fleet) == runs
    assert all(len(fleet) == size for fleet in fleets[:-1])
    assert 1 <= len(fleets[-1]) <= size
    assert list(fleets_of([], size)) == []


@ALL
@pytest.mark.parametrize("stop", [2, 3, 100])
def test_rows_of_other_roles_change_nothing(search, stop):
    plan = plan_of(search)
    rows = first_fleets(plan, stop)
    others = [
        {**FRONT.train(0.05, train_loss=1e-6, epochs=10), "round": round_, "role": role}
        for role, round_ in (("comparison", 0), ("confirmation", 9), ("derived", 1))
    ]
    assert next_round(table([*rows, *others]), plan) == next_round(table(rows), plan)
    assert lams_of(table([*rows, *others])) == lams_of(table(rows))


@ALL
@pytest.mark.parametrize("stop", [2, 5])
def test_order_of_rows_is_irrelevant(search, stop):
    plan = plan_of(search)
    points, more = table(first_fleets(plan, stop)), plan_of(search, repeats=3)
    expected = next_round(points, plan), next_round(points, more), proposed_runs(points, plan)
    shuffled = points.sample(frac=1, random_state=stop)
    for again in (shuffled, shuffled.reset_index(drop=True)):
        found = next_round(again, plan), next_round(again, more), proposed_runs(again, plan)
        assert found == expected


def test_a_lam_belongs_to_the_round_that_proposed_it():
    """Seeds that are added later are no level of a search that counts its levels."""
    seen = []

    def spy(points, settings):
        seen.append(points.set_index("lam")["round"].to_dict())
        return SEARCHES["grid"](points, settings)

    rows = [
        {"lam": lam, "seed": seed, "round": 2 * seed, "val_loss": 1.0 - seed}
        for lam in (0.0, 0.1)
        for seed in (0, 1)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SEARCHES, "knee", spy)
        propose(table(rows), plan_of())
    assert seen == [{0.0: 0, 0.1: 0}]
