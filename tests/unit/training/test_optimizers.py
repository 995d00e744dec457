"""Schedules of the learning rate."""

from itertools import pairwise

import numpy as np
import pytest

from paretoprune.training.optimizers import SCHEDULES


def test_schedules_begin_at_the_full_rate_and_do_not_rise():
    for schedule in SCHEDULES.values():
        factors = [schedule(progress) for progress in np.linspace(0, 0.999, 50)]
        assert factors[0] == pytest.approx(1, abs=1e-4)
        assert all(0 < b <= a for a, b in pairwise(factors))
    assert SCHEDULES["cosine"](0.5) == pytest.approx(0.5)


def test_the_logistic_schedule_falls_tenfold_around_three_quarters():
    logistic = SCHEDULES["logistic"]
    assert logistic(0.75) == pytest.approx((1 + 0.1) / 2)
    assert logistic(0.5) > 0.96
    assert 0.1 < logistic(1.0) < 0.14
