"""The dry run: what is found before anything is trained, and a faster fleet size."""

import time
from pathlib import Path

import pytest

from paretoprune.runner import dry_run
from paretoprune.runner.dry_run import check, fastest_size
from paretoprune.runner.request import SweepRequest
from tests.support.problems import problem, run
from tests.support.sweeps import request
from tests.support.user_code import TABLE


def test_what_is_found_is_what_a_sweep_would_find(module):
    module("table", TABLE)
    settings = {"dataset": "table:data", "model": "table:model", "loss": "mse"}
    found = check(SweepRequest(settings=settings, budget={"max_runs": 6, "smgd": 1, "fleet": 3}))
    assert found.samples == {"train": 180, "validation": 20, "test": 100}
    assert found.shapes == ((4,),)
    assert found.layers == {"0.weight": (16, 4), "2.weight": (1, 16)}
    assert found.others == 17
    assert (found.path, found.unused, found.fleet_size, found.runs) == ("fused", (), 3, 7)
    assert found.loss / found.complexity == pytest.approx(found.plan.measured.lam_ref, rel=1e-5)
    assert found.loss > found.plan.measured.constant_loss * 0.5
    least = 7 * 10 * 3 * found.step_seconds  # runs, epochs, steps
    assert found.sweep_seconds > least
    assert found.memory > 1e6
    assert not any(Path().glob("table*/")), "nothing is written"


def ratios(monkeypatch, times):
    """Let a network's step in a fleet of K take `times[K]`."""
    tried = []

    def ratio(smaller, fleet):
        tried.append(len(smaller.runs))
        return times[len(smaller.runs)] / times[len(fleet.runs)]

    monkeypatch.setattr(dry_run, "_time_ratio", ratio)
    return tried


@pytest.mark.parametrize(
    ("largest", "times", "chosen", "tried"),
    [
        (8, {8: 0.6, 4: 0.7}, 8, [4]),  # much slower: smaller ones are not tried
        (8, {8: 0.6, 4: 0.58, 2: 0.59, 1: 1.0}, 8, [4, 2, 1]),  # faster, but hardly
        (8, {8: 0.8, 4: 0.7, 2: 0.75, 1: 1.0}, 4, [4, 2, 1]),
        (8, {8: 1.0, 4: 0.9, 2: 0.8, 1: 0.7}, 1, [4, 2, 1]),
        (3, {3: 1.0, 1: 1.05}, 3, [1]),
        (1, {}, 1, []),
    ],
)
def test_the_fastest_size_is_taken(monkeypatch, largest, times, chosen, tried):
    seen = ratios(monkeypatch, times)
    assert fastest_size(run(), problem(), largest) == chosen
    assert seen == tried


def test_real_steps_are_timed(monkeypatch):
    """A step of larger fleets that waits is found out."""
    take_step = dry_run.take_step

    def slow(training, *given):
        time.sleep(0.005 * len(training.runs) ** 2)
        take_step(training, *given)

    monkeypatch.setattr(dry_run, "take_step", slow)
    assert fastest_size(run(), problem(), largest=4) == 1


def test_check_advises_a_faster_size(monkeypatch, paretoprune):
    ratios(monkeypatch, {8: 1.0, 4: 0.6, 2: 0.8})
    answer = paretoprune("check", "--round=8")
    assert "in fleets of 8;" in answer.out
    assert "fleets of 4 are faster on this machine: --fleet 4" in answer.out


def test_check_times_no_size_that_is_given(monkeypatch):
    seen = ratios(monkeypatch, {})
    found = check(request(fleet=3))
    assert (found.fleet_size, found.fastest_fleet_size, seen) == (3, 3, [])
