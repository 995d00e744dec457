"""What comes out of a run: counts, sizes, and what cannot be counted."""

import numpy as np
import pytest
import torch
from torch import nn

from paretoprune.problem.build import Environment
from paretoprune.problem.problem import fill
from paretoprune.pruning.compaction import compact
from paretoprune.pruning.flops import counts_of
from paretoprune.runner.events import Note
from paretoprune.runner.sweep import sweep
from paretoprune.study.settings import Settings
from paretoprune.training.prepare import prepare
from paretoprune.training.train import train_fleet
from tests.support.problems import problem, run
from tests.support.sweeps import request, table


def silent(step, steps):
    """Report to nobody."""


def test_a_point_says_what_its_weights_are():
    task = problem("lenet5", "all")
    one = run(lam=2e-3)
    outcome = train_fleet([run(lam=0.0), one], task, silent)[1]
    point, arrays = outcome.point, [outcome.weights[name] for name in task.problem.prunable]
    values = point.values
    assert point.run == one
    assert values["nonzeros"] == sum(np.count_nonzero(array) for array in arrays)
    assert values["l1"] == pytest.approx(sum(np.abs(array).sum() for array in arrays), rel=1e-5)
    assert values["complexity"] == pytest.approx(values["l1"], rel=1e-5)
    assert values["prunable_weights"] == sum(array.size for array in arrays)
    assert [layer["shape"] for layer in values["layers"]] == [array.shape for array in arrays]
    assert all(abs(w) > one.threshold for array in arrays for w in array[array != 0].flat)
    assert 0 < values["nonzeros"] < values["prunable_weights"]
    assert set(outcome.weights) == set(dict(task.problem.network(0).named_parameters()))


def test_a_point_says_how_large_its_network_is():
    task = problem("lenet5", "all", complexity="group-l1")
    outcome = train_fleet([run(lam=5e-3, epochs=6)], task, lambda step, steps: None)[0]
    values, network = outcome.point.values, task.problem.network(0)
    fill(network, {name: torch.from_numpy(array) for name, array in outcome.weights.items()})
    inputs = task.problem.inputs(task.problem.data.test.inputs)
    stored, left = counts_of(network, inputs), counts_of(compact(network, inputs).network, inputs)
    assert (values["parameters"], values["flops"]) == (stored.parameters, stored.flops)
    assert values["dense_flops"] == stored.dense_flops > values["flops"] > 0
    assert (values["compact_parameters"], values["neurons"]) == (
        left.parameters,
        left.neurons,
    )
    assert values["compact_flops"] == left.dense_flops
    assert values["compact_parameters"] < values["parameters"]
    assert values["parameters"] == sum(one.numel() for one in nn.ModuleList([network]).parameters())


X, Y = torch.randn(40, 3), torch.arange(40) % 4


def problem_of(model, data, **settings):
    place = Environment(model=model, data=data)
    return prepare(Settings.from_options({"model": "m:m", "dataset": "d:d", **settings}), place)


def test_a_network_that_cannot_be_counted_is_trained_and_recorded(monkeypatch):
    task = problem_of(lambda: nn.Linear(3, 4), ((X, Y), (X, Y)))

    def raising(network, inputs):
        raise RuntimeError("no copies")

    monkeypatch.setattr("paretoprune.training.outcome.compact", raising)
    (outcome,) = train_fleet([run(epochs=1)], task, lambda step, steps: None)
    point = outcome.point
    values = point.values
    assert point.status == "done"
    assert not {"parameters", "neurons"} & values.keys()
    assert values["nonzeros"] > 0
    assert "compact size cannot be counted: RuntimeError: no copies" in outcome.notes[0]


def test_what_cannot_be_counted_is_said_with_the_run(monkeypatch):
    def raising(network, inputs):
        raise RuntimeError("no copies")

    monkeypatch.setattr("paretoprune.training.outcome.compact", raising)
    said = []
    sweep(request(max_runs=4), said.append)
    (note,) = [e.text for e in said if isinstance(e, Note) and "cannot be counted" in e.text]
    assert note.split(": ")[0].removeprefix("run ") in set(table()["run_id"])
    assert "RuntimeError: no copies" in note
    assert table()["flops"].isna().all()
