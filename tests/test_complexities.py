"""What counts as complexity: the contract of its table, and what each variant is for."""

import math

import pytest
import torch
from torch import nn

from paretoprune.problem.build import Environment
from paretoprune.problem.problem import fill
from paretoprune.pruning.compaction import compact
from paretoprune.pruning.flops import sizes_of
from paretoprune.pruning.penalties import COMPLEXITIES, group_l1, l1
from paretoprune.pruning.threshold import prune
from paretoprune.study.settings import Settings
from paretoprune.training.prepare import prepare
from paretoprune.training.train import train_fleet
from tests.problems import problem, run

SHAPES = [(3, 4, 5), (2, 6, 3, 3, 3)]


def weights_of(shape):
    tensor = torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    tensor[:, 1] = 0  # a dead row
    return tensor


@pytest.mark.parametrize("name", COMPLEXITIES)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_gradient_is_that_of_the_value(name, shape):
    kind, weights = COMPLEXITIES[name], weights_of(shape)
    leaf = weights.clone().requires_grad_()
    kind.value(leaf).sum().backward()
    alive = torch.ones(shape, dtype=torch.bool)
    alive[:, 1] = False
    got = kind.gradient(weights)
    torch.testing.assert_close(got[alive], leaf.grad[alive])
    assert got[~alive].abs().max() == 0, "the subgradient at zero"


@pytest.mark.parametrize("name", COMPLEXITIES)
def test_networks_do_not_touch_each_other_and_the_value_is_a_norm(name):
    kind, weights = COMPLEXITIES[name], weights_of(SHAPES[0])
    values = kind.value(weights)
    for index in range(len(weights)):
        alone = weights[index : index + 1]
        torch.testing.assert_close(kind.value(alone), values[index : index + 1])
        torch.testing.assert_close(kind.gradient(alone)[0], kind.gradient(weights)[index])
    torch.testing.assert_close(kind.value(-3 * weights), 3 * values)
    assert kind.value(weights + weights_of((3, 4, 5)).flip(2)).le(2 * values + 1e-9).all()


def test_group_l1_is_the_group_lasso_and_never_below_l1():
    weights = weights_of(SHAPES[1])
    rows = weights.flatten(2)
    expected = (rows.norm(dim=2) * math.sqrt(rows.shape[2])).sum(1)
    torch.testing.assert_close(group_l1(weights), expected)
    assert (group_l1(weights) >= l1(weights)).all()
    even = torch.full((1, 2, 7), 0.3).mul_(torch.tensor([1.0, -1.0]).view(1, 2, 1))
    torch.testing.assert_close(group_l1(even), l1(even))


def test_whole_rows_are_pruned_where_it_is_grouped():
    weights = torch.tensor([[[0.5, 0.0, 0.0, 0.0], [0.2, 0.2, -0.2, 0.2]]])
    alone = weights.clone()
    prune([alone], [(slice(0, 1), 0.3)])
    assert alone.tolist() == [[[0.5, 0, 0, 0], [0, 0, 0, 0]]]
    prune([weights], [(slice(0, 1), 0.3)], is_grouped=True)
    assert not weights.any(), "the first row's root mean square is 0.25"
    assert not torch.signbit(weights).any()


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
    assert points[0].nonzeros == points[1].nonzeros
    assert points[0].complexity == points[1].complexity


@pytest.mark.slow
def test_group_l1_leaves_fewer_neurons_than_l1_at_equal_nonzeros():
    """What it is for: 20 epochs of the digits, the network nearest to 2,000 nonzeros of each."""
    neurons = {}
    for kind in ("l1", "group-l1"):
        task = problem(complexity=kind, images=1200)
        lams = [1e-4 * 3**step for step in range(6)]
        runs = [run(lam=lam, epochs=20, complexity_kind=kind) for lam in lams]
        points = [one.point for one in train_fleet(runs, task, lambda step, steps: None)]
        best = min(points, key=lambda point: abs(point.nonzeros - 2000))
        neurons[kind] = best.neurons
    assert neurons["group-l1"] < 0.6 * neurons["l1"]


def test_a_point_says_how_large_its_network_is():
    task = problem("lenet5", "all", complexity="group-l1")
    outcome = train_fleet([run(lam=5e-3, epochs=6)], task, lambda step, steps: None)[0]
    point, network = outcome.point, task.problem.network(0)
    fill(network, {name: torch.from_numpy(array) for name, array in outcome.weights.items()})
    inputs = task.problem.inputs(task.problem.data.test.inputs)
    stored, left = sizes_of(network, inputs), sizes_of(compact(network, inputs).network, inputs)
    assert (point.parameters, point.flops) == (stored.parameters, stored.flops)
    assert point.dense_flops == stored.dense_flops > point.flops > 0
    assert (point.compact_parameters, point.neurons) == (left.parameters, left.neurons)
    assert point.compact_flops == left.dense_flops
    assert point.compact_parameters < point.parameters
    assert point.parameters == sum(one.numel() for one in nn.ModuleList([network]).parameters())
