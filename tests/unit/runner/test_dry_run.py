"""The dry run: what is found before anything is trained, and a faster fleet size."""

import time
from pathlib import Path

import pytest
import torch

from paretoprune.runner import dry_run
from paretoprune.runner.dry_run import check, fastest_size
from paretoprune.runner.request import SweepRequest
from paretoprune.training.prepare import Prepared
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


def ratios(monkeypatch, of):
    """Let a fleet take `of[its size]` times as long for a network's step as any smaller one."""
    tried = []

    def ratio(larger, fleet):
        tried.append(len(larger.runs))
        return of[len(larger.runs)] / of.get(len(fleet.runs), 1.0)

    monkeypatch.setattr(dry_run, "_time_ratio", ratio)
    return tried


@pytest.mark.parametrize(
    ("times", "chosen", "tried"),
    [
        ({2: 0.8, 4: 0.7, 8: 0.6}, 8, [2, 4, 8]),
        ({2: 0.8, 4: 0.79, 8: 0.6}, 8, [2, 4, 8]),
        ({2: 0.8, 4: 0.79, 8: 0.78}, 2, [2, 4, 8]),  # no gain is worth the memory
        ({2: 0.8, 4: 0.95, 8: 0.1}, 2, [2, 4]),  # much slower: larger ones are not tried
        ({2: 1.05, 4: 0.8, 8: 0.85}, 4, [2, 4, 8]),
        ({2: 1.3, 4: 0.1, 8: 0.1}, 1, [2]),
    ],
)
def test_the_fastest_size_is_taken(monkeypatch, times, chosen, tried):
    seen = ratios(monkeypatch, times)
    assert fastest_size(run(), problem(), largest=8) == chosen
    assert seen == tried


def test_the_size_is_one_that_a_round_can_fill(monkeypatch):
    seen = ratios(monkeypatch, {2: 0.8, 4: 0.6})
    assert fastest_size(run(), problem(), largest=7) == 4
    assert fastest_size(run(), problem(), largest=1) == 1
    assert seen == [2, 4]


def test_real_steps_are_timed(monkeypatch):
    """A step of larger fleets that waits is found out."""
    own = dry_run.take_step

    def slow(training, *given):
        time.sleep(0.005 * len(training.runs) ** 2)
        own(training, *given)

    monkeypatch.setattr(dry_run, "take_step", slow)
    assert fastest_size(run(), problem(), largest=4) == 1


def test_a_size_whose_memory_runs_out_ends_the_timing(monkeypatch):
    ratios(monkeypatch, {2: 0.8, 4: 0.6})
    whole = Prepared.fleet

    def narrow(self, seeds):
        if len(seeds) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return whole(self, seeds)

    monkeypatch.setattr(Prepared, "fleet", narrow)
    assert fastest_size(run(), problem(), largest=4) == 2


def test_a_mistake_in_a_step_is_no_want_of_memory(monkeypatch):
    def broken(larger, fleet):
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(dry_run, "_time_ratio", broken)
    with pytest.raises(RuntimeError, match="shapes"):
        fastest_size(run(), problem(), largest=2)


def test_check_advises_a_faster_size(monkeypatch, paretoprune):
    ratios(monkeypatch, {2: 0.8, 4: 0.6, 8: 1.0})
    answer = paretoprune("check", "--round=8")
    assert "in fleets of 8;" in answer.out
    assert "fleets of 4 are faster on this machine: --fleet 4" in answer.out


def test_check_times_no_size_that_is_given(monkeypatch):
    seen = ratios(monkeypatch, {})
    found = check(request(fleet=3))
    assert (found.fleet_size, found.fastest_fleet_size, seen) == (3, 3, [])
