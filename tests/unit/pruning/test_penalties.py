"""What each penalty is for, and how weights count."""

import pytest
import torch

from paretoprune.problem.build import Environment
from paretoprune.pruning.penalties import PENALTIES, l1, nonzeros, total
from paretoprune.study.settings import Settings
from paretoprune.training.prepare import prepare
from paretoprune.training.train import train_fleet
from tests.support.problems import problem, run


def test_weights_count_by_what_they_cost():
    """Convolutions of 26 x 26 and 11 x 11 places, dense layers of one."""
    settings = Settings(dataset="d:d", model="lenet5", prunable="all", complexity="l1-flops")
    images = torch.randint(0, 256, (200, 1, 28, 28)).byte()
    part = (images, torch.arange(200) % 10)
    task = prepare(settings, Environment(data=(part, part)))
    sizes = dict(task.problem.network(0).named_parameters())
    costs = [task.problem.costs[name] for name in task.problem.prunable]
    assert [cost / costs[-1] for cost in costs] == pytest.approx([676, 121, 1, 1, 1])
    counts = [sizes[name].numel() for name in task.problem.prunable]
    mean = sum(cost * n for cost, n in zip(costs, counts, strict=True)) / sum(counts)
    assert mean == pytest.approx(1)
    fleet = task.fleet([0, 1])
    expected = sum(
        task.problem.costs[name] * fleet.parameters[name].abs().flatten(1).sum(1)
        for name in task.problem.prunable
    )
    torch.testing.assert_close(
        task.problem.complexity_of(fleet.parameters), expected.double().detach()
    )
    weight = fleet.parameters["0.weight"].detach()
    expected = task.problem.costs["0.weight"] * weight.sign()
    torch.testing.assert_close(task.problem.complexity_gradient("0.weight", weight), expected)


def test_dense_networks_are_trained_alike_by_l1_and_by_flops():
    one = run(lam=1e-3)
    points = [
        train_fleet([one], problem(complexity=kind), lambda step, steps: None)[0].point
        for kind in ("l1", "l1-flops")
    ]
    assert points[0].values["nonzeros"] == points[1].values["nonzeros"]
    assert points[0].values["complexity"] == points[1].values["complexity"]


@pytest.mark.slow
def test_group_l1_leaves_fewer_neurons_than_l1_at_equal_nonzeros():
    """What it is for: 20 epochs of the digits, the network nearest to 2,000 nonzeros of each."""
    neurons = {}
    for kind in ("l1", "group-l1"):
        task = problem(complexity=kind, images=1200)
        lams = [1e-4 * 3**step for step in range(6)]
        runs = [run(lam=lam, epochs=20, complexity_kind=kind) for lam in lams]
        points = [one.point for one in train_fleet(runs, task, lambda step, steps: None)]
        best = min(points, key=lambda point: abs(point.values["nonzeros"] - 2000))
        neurons[kind] = best.values["neurons"]
    assert neurons["group-l1"] < 0.6 * neurons["l1"]


def test_l1_and_nonzeros_of_two_networks():
    first = torch.tensor([[[1.0, -2.0], [0.0, 0.5]], [[0.0, 0.0], [0.0, -3.0]]])  # [2, 2, 2]
    second = torch.tensor([[[4.0]], [[0.0]]])
    assert total([l1(first), l1(second)]).tolist() == [7.5, 3.0]
    assert total([nonzeros(first), nonzeros(second)]).tolist() == [4, 1]


def test_the_subgradient_at_zero_is_zero():
    assert PENALTIES["l1"].gradient(torch.zeros(1, 2)).tolist() == [[0.0, 0.0]]
