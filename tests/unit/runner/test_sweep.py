"""A cluster that a round does not fill is noted."""

from dataclasses import replace

import pytest

from paretoprune.runner.sweep import idle
from tests.support.rounds import plan_of


@pytest.mark.parametrize(
    ("slots", "budget", "said"),
    [(9, {}, "8 fleets"), (8, {}, ""), (5, {"fleet": 2}, "4 fleets"), (20, {"repeats": 3}, "")],
)
def test_a_cluster_that_a_round_does_not_fill_is_said_so(slots, budget, said):
    plan = plan_of()
    plan = replace(plan, budget=replace(plan.budget, **({"fleet": 1} | budget)))
    notes = idle(plan, slots)
    assert len(notes) == bool(said)
    assert all(f"a round has {said}, and there is room for {slots}" in note for note in notes)
