"""The grid: where its λs lie, and how it is refined."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from paretoprune.runner.request import SweepRequest
from paretoprune.runner.setup import open_study
from paretoprune.search import SEARCHES, SearchSettings
from tests.support.searches import SETTINGS, assert_lams_are_valid, examined, grid
from tests.support.tables import FRONTS, sweep, table


@pytest.mark.parametrize("round_size", [3, 8, 64])
def test_grid_is_zero_and_19_lams_evenly_in_log_whatever_the_rounds_size(round_size):
    settings = replace(SETTINGS, round_size=round_size)
    points, _ = sweep(grid, settings, FRONTS[0].train, 40, assert_lams_are_valid)
    wanted = [0, *np.geomspace(settings.lam_ref / 100, 10 * settings.lam_ref, 19)]
    assert np.sort(points["lam"]) == pytest.approx(wanted, rel=1e-5)


def test_grid_covers_its_range_from_the_first_round_on():
    everything = sorted(examined([], replace(SETTINGS, round_size=20), grid).lams)
    first = examined([], replace(SETTINGS, round_size=4), grid).lams
    chosen = [everything.index(lam) for lam in first]
    assert {0, 19} <= set(chosen)
    assert all(min(abs(i - j) for j in chosen) <= 5 for i in range(20))


def test_grid_is_refined_where_max_runs_is_raised():
    rows = [{"lam": lam} for lam in examined([], replace(SETTINGS, round_size=20), grid).lams]
    raised = replace(SETTINGS, max_runs=40)
    while (proposal := examined(rows, raised, grid)).lams:
        assert_lams_are_valid(proposal, table(rows), raised)
        rows += [{"lam": lam} for lam in proposal.lams]
        assert len(rows) <= 40
    lams = sorted(row["lam"] for row in rows)
    assert len(lams) == 40
    ratios = np.log10([b / a for a, b in pairwise(lams[1:])])
    width = 3 / 18  # decades between neighbours of the first grid
    assert sum(ratios) == pytest.approx(3, rel=1e-5)
    assert ratios.max() <= width / 2 * 1.001  # 18 gaps halved, and 2 of the halves again
    assert ratios.min() >= width / 4 * 0.999


@pytest.mark.parametrize("max_runs", [1, 2, 3])
def test_grid_of_very_few(max_runs):
    few = replace(SETTINGS, max_runs=max_runs)
    lams, more = (examined([], asked, grid).lams for asked in (few, SETTINGS))
    assert (len(lams), min(lams)) == (max_runs, 0)
    assert examined([FRONTS[0].train(lam) for lam in more], few, grid).lams == ()


def test_their_grid_has_26_points_as_the_authors_chose_them(tmp_path):
    settings = {"recipe": "paper", "search": "grid"}
    plan, _ = open_study(tmp_path / "study", SweepRequest(settings=settings))
    assert (plan.budget.max_runs, plan.budget.tolerance) == (26, 0)
    asked = SearchSettings(
        lam_ref=1.0,
        round_size=26,
        tolerance=0,
        max_runs=26,
        constant_loss=2.3,
        validation_images=1,
        recipe="paper",
    )
    lams = sorted(SEARCHES["grid"](table([]), asked).lams)
    assert len(lams) == 26
    assert lams[:6] == [0, 1e-5, 3e-5, 5e-5, 7e-5, 9e-5]
    assert lams[-10:] == [0.01, 0.015, 0.02, 0.025, 0.03, 0.035, 0.05, 0.07, 0.09, 0.1]
