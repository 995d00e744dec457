"""Searches: the contract of all of them."""

from dataclasses import replace

import pandas as pd
import pytest

from paretoprune.analysis.aggregate import over_seeds
from paretoprune.study.defaults import RECIPES
from tests.support.searches import ALL, SETTINGS, assert_lams_are_valid, examined, grid, knee
from tests.support.tables import SAMPLES, corner, table

TABLES = pytest.mark.parametrize("rows", SAMPLES.values(), ids=SAMPLES.keys())


def assert_order_is_irrelevant(search, points, settings, proposal):
    for seed in range(3):
        shuffled = points.sample(frac=1, random_state=seed)
        assert search(shuffled, settings) == proposal
        assert search(shuffled.reset_index(drop=True), settings) == proposal


def assert_adding_nothing_changes_nothing(search, points, settings, proposal):
    before = points.copy(deep=True)
    assert search(points, settings) == proposal
    pd.testing.assert_frame_equal(points, before)


@ALL
@TABLES
@pytest.mark.parametrize("recipe", RECIPES)
def test_contract(search, rows, recipe):
    points, asked = over_seeds(table(rows)), replace(SETTINGS, recipe=recipe)
    proposal = search(points, asked)
    assert_order_is_irrelevant(search, points, asked, proposal)
    assert_adding_nothing_changes_nothing(search, points, asked, proposal)
    assert_lams_are_valid(proposal, points, asked)


@ALL
@pytest.mark.parametrize("size", [2, 3, 8])
def test_first_round_begins_dense_and_fits(search, size):
    lams = examined([], replace(SETTINGS, round_size=size), search).lams
    assert lams[0] == 0
    assert len(lams) == (size if search in (knee, grid) else min(size, 3))


@ALL
@pytest.mark.parametrize("lams", [[0.0], [0.01], [0.0, 0.01, 0.02], [0.1, 0.2]])
def test_equal_points_have_no_interval(search, lams):
    rows = [corner(lam, 0.1, 100.0) for lam in lams]
    proposal = examined(rows, search=search)
    assert proposal.intervals == ()
    assert_lams_are_valid(proposal, table(rows), SETTINGS)
