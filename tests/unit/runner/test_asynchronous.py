"""Asynchronous proposals: what is trained while other runs are in training."""

from dataclasses import replace

import numpy as np
import pytest

from paretoprune.runner.asynchronous import FANTASIES, PENDING, next_runs, with_fantasies
from paretoprune.runner.rounds import networks_of
from paretoprune.runner.runs import comparison_runs, runs_of
from paretoprune.training.methods.smgd import NAME as SMGD
from tests.support.asynchronous import DEAD, assert_asked_is_valid, rows_of, simulated
from tests.support.rounds import FRONT, plan_of, swept
from tests.support.tables import corner, table


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
    known = with_fantasies(networks, [*fresh, *lams]).set_index("lam").sort_index()
    assert known.loc[fresh, "status"].eq("done").all()
    assert known.loc[[0.0, 0.1], "status"].eq(PENDING).all()
    inside = known[known["status"] == "done"]
    for name in set(FANTASIES) - {"val_error"}:  # the same for all in closed form
        steps = inside[name].diff().dropna()
        assert (steps > 0).all() or (steps < 0).all(), name


def test_half_way_in_the_logarithms_is_the_geometric_mean():
    networks = networks_of(table([corner(1e-4, 0.1, 400.0), corner(1e-2, 0.9, 4.0)]))
    believed = with_fantasies(networks, [1e-3]).set_index("lam").loc[1e-3]
    assert believed["train_loss"] == pytest.approx(0.3)
    assert believed["complexity"] == pytest.approx(40.0)


def test_what_is_known_is_not_believed():
    networks = networks_of(table(FRONT.train(lam) for lam in (0.0, 1e-3)))
    assert with_fantasies(networks, [0.0, 1e-3]).equals(networks)
    more = with_fantasies(networks, [0.0, 5e-4])
    assert more.iloc[:2].equals(networks)
    assert len(more) == 3


@pytest.mark.parametrize("dead", DEAD.values(), ids=DEAD.keys())
def test_beside_a_network_that_died_nothing_is_believed(dead):
    rows = [dead, FRONT.train(0.0), FRONT.train(1e-3)]
    for mixed in (rows, rows[::-1]):
        networks = networks_of(table(mixed))
        known = with_fantasies(networks, [1e-4, 0.1, 0.9]).set_index("lam")
        assert known.loc[[1e-4, 0.1, 0.9], "status"].tolist() == ["done", PENDING, PENDING]
        assert np.isfinite(known.loc[1e-4, list(FANTASIES)].to_numpy(float)).all()


def test_what_is_pending_is_no_lam_that_killed():
    """Lam 0 lands first: that the others are in training is no reason to look below them."""
    plan = plan_of(smgd=0)
    first = next_runs(table([]), plan, (), 8)
    zero, others = first.runs[:1], first.runs[1:]
    assert zero[0].lam == 0
    least = min(run.lam for run in others)
    asked = next_runs(table(rows_of(zero, 0)), plan, others, 6)
    assert asked is None or min(run.lam for run in asked.runs) > least
