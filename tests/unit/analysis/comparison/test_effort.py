"""What a front was paid for with: epochs, seconds, and its hypervolume after each fleet."""

import pytest

from paretoprune.analysis.aggregate import alive
from paretoprune.analysis.comparison.compare import compare
from paretoprune.analysis.indicators import hypervolume
from tests.support.comparisons import SEARCHED, SEEDS, snapshot_of
from tests.support.studies import COLLAPSED, FAILED, network


def test_the_front_is_paid_for_with_all_its_runs():
    rows = [*SEARCHED, {**COLLAPSED, "seconds": 2.0}, FAILED, *SEEDS]
    rows.append({**network(1e-4, 0.01, 60, 20, role="confirmation"), "epochs": 90})
    comparison = compare([snapshot_of(rows)])
    (front,) = comparison.fronts
    assert (front.runs, front.collapsed, front.failed, front.networks) == (7, 1, 1, 5)
    assert (front.epochs, front.seconds) == (21, 12.0)
    (against,) = comparison.variants[0].against
    assert against.epochs_ratio == pytest.approx(7)
    assert against.seconds_ratio == pytest.approx(12 / 5)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_the_course_has_a_step_for_each_fleet(split):
    fleets = [{"round": 0, "fleet_size": 2, "started_at": "a"}] * 2
    fleets += [{"round": 0, "fleet_size": 2, "started_at": "b"}] * 2
    fleets += [{"round": 1, "fleet_size": 1, "started_at": "b"}]
    rows = [{**row, **fleet} for row, fleet in zip(SEARCHED, fleets, strict=True)]
    snapshot = snapshot_of([*rows, *SEEDS])
    (front,) = compare([snapshot], split).fronts
    assert [step.epochs for step in front.course] == [6, 12, 15]
    assert [step.seconds for step in front.course] == [4.0, 8.0, 10.0]
    error = "val_error" if split == "validation" else "test_error"
    for step, end in zip(front.course, (2, 4, 5), strict=True):
        living = alive(snapshot.points.iloc[:end])
        volume = hypervolume(living[error].to_numpy(), living["nonzeros"].to_numpy() / 1050)
        assert step.hypervolume == pytest.approx(volume)
    assert front.course[-1].hypervolume == front.hypervolume


def test_fleets_within_a_second_are_told_apart_by_their_size():
    rows = [{**row, "fleet_size": 2} for row in SEARCHED[:4]]
    (front,) = compare([snapshot_of([*rows, *SEEDS])]).fronts
    assert [step.epochs for step in front.course] == [6, 12]
