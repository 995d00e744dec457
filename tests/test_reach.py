"""How far the default search looks: to denser networks, and to sparser ones."""

from dataclasses import replace

import numpy as np
import pytest

from tests.tables import corner
from tests.test_searches import SETTINGS, examined


@pytest.mark.parametrize(("last", "state"), [(0.1, "overfit"), (0.9, "open")])
def test_denser_than_the_least_validation_loss_is_overfit(last, state):
    rows = [
        corner(0.0, 0.01, 900.0, val_loss=0.9),
        corner(0.001, 0.1, 300.0, val_loss=0.5),
        corner(0.01, 0.8, 100.0, val_loss=last),
    ]
    intervals = examined(rows).intervals
    assert [interval.state for interval in intervals] == ["overfit", state]
    assert not {i.lam for i in intervals if i.state == "overfit"} & set(examined(rows).lams)


@pytest.mark.parametrize(
    ("error", "states"),
    # of 10,000 images an error of 1 % has a standard error of 0.1 points
    [(0.0112, ["overfit", "open"]), (0.0108, ["overfit", "overfit"])],
    ids=["fewer errors", "no fewer errors"],
)
def test_a_network_of_larger_loss_and_fewer_errors_is_not_overfit(error, states):
    rows = [
        corner(0.0, 0.01, 900.0, 0.9, val_loss=0.9, val_error=0.012),
        corner(0.001, 0.1, 300.0, 0.3, val_loss=0.5, val_error=0.010),
        corner(0.01, 0.8, 100.0, 0.1, val_loss=0.1, val_error=error),
    ]
    settings = replace(SETTINGS, validation_images=10_000)
    assert [interval.state for interval in examined(rows, settings).intervals] == states


@pytest.mark.parametrize(("last", "reaches"), [(0.99, True), (1.01, False)])
def test_the_search_reaches_on_until_half_way_to_the_constant_prediction(last, reaches):
    half = np.sqrt(0.1 * SETTINGS.constant_loss)  # in log, from the least validation loss
    rows = [
        corner(0.0, 0.1, 100.0, val_loss=0.1),
        corner(0.2, 1.0, 10.0, 0.0001, val_loss=last * half),
    ]
    odds = 10 * 0.2 / 0.8
    assert (float(f"{odds / (1 + odds):.6g}") in examined(rows).lams) == reaches


def test_a_perfect_network_does_not_end_the_reach():
    """A loss of zero is infinitely far from any other, on a logarithmic scale."""
    rows = [
        corner(0.0, 0.1, 100.0, val_loss=0.0),
        corner(0.2, 1.0, 10.0, 0.5, val_loss=0.01 * SETTINGS.constant_loss * 0.99),
    ]
    assert max(examined(rows).lams) > 0.2


def test_the_search_goes_half_way_to_a_lam_that_killed():
    living = [corner(0.0, 0.1, 100.0), corner(0.01, 1.0, 10.0, 0.5, val_loss=0.2)]
    dead = [corner(0.16, 2.3, 0.1, 0.0, collapsed=True), {"lam": 0.64, "status": "failed"}]
    assert examined([*living, *dead]).lams[0] == pytest.approx(0.04)
    near = [corner(0.0104, 2.3, 0.1, 0.0, collapsed=True)]
    assert not [lam for lam in examined([*living, *near]).lams if lam > 0.01]
