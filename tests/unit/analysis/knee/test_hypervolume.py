"""The hypervolume rule, against pymoo."""

import numpy as np
from pymoo.indicators.hv import HV

from paretoprune.analysis.knee import RULES
from tests.support.fronts import LOG, LOSS, front_of

hypervolume = RULES["hypervolume"].rule


def test_hypervolume_takes_what_pymoo_says_is_lost_without_it():
    for shape in ("curve", "corner", "dents"):
        front = front_of(shape, LOSS)
        unit = np.log10(front[list(LOSS)].to_numpy())
        unit = (unit - unit.min(axis=0)) / np.ptp(unit, axis=0)
        volume = HV(ref_point=np.array([1.5, 1.2]))
        lost = [volume(unit) - volume(np.delete(unit, at, axis=0)) for at in range(len(unit))]
        best = 1 + int(np.argmax(lost[1:-1]))
        result = hypervolume(front, LOG)
        assert result.index == front.index[best]
        assert f"({lost[best]:.2%} of the box)" in result.reason


def test_hypervolume_finds_no_knee_where_all_add_the_same():
    result = hypervolume(front_of("even in logs", LOSS), LOG)
    assert result.index is None
    assert "the same area" in result.reason
