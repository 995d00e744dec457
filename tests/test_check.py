"""Trying a sweep out: what `check` says before anything is trained."""

import json
from pathlib import Path

import pytest

from paretoprune.runner.dry_run import check
from paretoprune.runner.request import SweepRequest
from tests.own_code import TABLE, module

__all__ = ["module"]  # a fixture

UNUSED = """
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.spare = nn.Linear(64, 10), nn.Linear(3, 3)

    def forward(self, x):
        return self.first(x.flatten(1))
"""


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


def test_layers_that_get_no_gradient_are_named(module, paretoprune):
    module("odd", UNUSED)
    answer = paretoprune("check", "--model=odd:Net", "--fleet=1")
    assert answer.code == 0
    assert "spare.weight got no gradient from the first batch" in answer.out
    assert "10 classes" in answer.out
    assert "fleets are trained fused" in answer.out


def test_a_program_can_read_it(paretoprune):
    answer = paretoprune("check", "--fleet=2", "--smgd=1", "--json")
    found = json.loads(answer.out)
    assert found["plan"]["settings"]["model"] == "mlp"
    assert found["layers"]["1.weight"] == [300, 64]
    assert (found["fleet_size"], found["runs"]) == (2, 21)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--prunable=features"], "the layers with weights are 1, 3, 5"),
        (["--dataset=nowhere:data"], "there is no module nowhere"),
        (["--loss=mse"], "the targets are classes"),
        (["--complexity=l2"], "--complexity l2 is unknown: did you mean l1?"),
        (["--init=absent.safetensors"], "absent.safetensors"),
    ],
)
def test_mistakes_end_in_a_sentence(options, complaint, paretoprune):
    answer = paretoprune("check", "--fleet=1", *options)
    assert answer.code == 2
    assert complaint in " ".join(answer.err.split())
