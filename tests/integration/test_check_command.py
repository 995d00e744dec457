"""Trying a sweep out: what `check` says before anything is trained."""

import json

import pytest

UNUSED = """
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.spare = nn.Linear(64, 10), nn.Linear(3, 3)

    def forward(self, x):
        return self.first(x.flatten(1))
"""


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
