"""Masks of pruned networks: counts, choice, schedule."""

from dataclasses import replace

import pytest
import torch

from paretoprune.study.settings import Settings
from paretoprune.training.methods import METHODS, magnitude, uniform
from paretoprune.training.methods.mask_rule import largest
from paretoprune.training.step import begin, take_step
from tests.support.problems import problem


@pytest.mark.parametrize("count", [0, 1, 3, 6])
def test_masks_keep_the_largest(count):
    magnitudes = torch.tensor([[3.0, 1.0, 2.0], [5.0, 2.0, 0.0]])
    mask = largest(magnitudes, count)
    assert mask.shape == magnitudes.shape
    assert mask.sum() == count
    assert magnitudes[mask == 1].min() >= magnitudes[mask == 0].max() if 0 < count < 6 else True


def test_magnitude_looks_at_all_layers_and_uniform_at_each():
    layers = {"a": torch.tensor([4.0, 3.0, 2.0, 1.0]), "b": torch.tensor([[0.4, 0.3], [0.2, 0.1]])}
    everywhere, each = magnitude.choose(layers, 0.5), uniform.choose(layers, 0.5)
    assert [int(mask.sum()) for mask in everywhere.values()] == [4, 0]
    assert [int(mask.sum()) for mask in each.values()] == [2, 2]
    assert everywhere["b"].shape == (2, 2)


def run_of(method, keep, schedule, epochs=4):
    template = METHODS[method].template(Settings(epochs=epochs))
    return replace(template, options=(("keep", keep), ("prune_schedule", schedule)))


def densities(method, keep, schedule, steps):
    """The share of weights that are left after each step, for each layer."""
    task = problem("mlp", images=320)
    training = begin([run_of(method, keep, schedule)], task)
    data, order = task.problem.data.train, task.problem.order(0)
    for step in range(steps):
        at = step % (len(data) // 64)
        take_step(training, data[order[at * 64 : at * 64 + 64]], 1.0)
        yield [value.count_nonzero().item() / value.numel() for value in training.prunable_weights]


@pytest.mark.parametrize("method", ["magnitude", "uniform"])
def test_one_shot_pruning_keeps_its_share_at_every_step(method):
    sizes = problem("mlp").problem
    for shares in densities(method, 0.1, "one-shot", 3):
        assert len(shares) == len(sizes.prunable)
        if method == "uniform":
            assert shares == pytest.approx([0.1] * len(shares), abs=0.01)


def test_gradual_pruning_falls_along_the_cubic_and_never_rises():
    """Zhu and Gupta, equation 1: in the first half of the run, to the share that is asked for."""
    task = problem("mlp", images=320)
    steps = 4 * -(-len(task.problem.data.train) // 64)
    shares = [sum(each) / len(each) for each in densities("uniform", 0.1, "gradual", steps)]
    assert shares == sorted(shares, reverse=True)
    last = steps // 2
    for step in range(1, last + 1):
        expected = 0.1 + 0.9 * (1 - step / last) ** 3
        assert shares[step - 1] == pytest.approx(expected, abs=0.01)
    assert shares[last:] == pytest.approx([0.1] * (steps - last), abs=0.01)


@pytest.mark.parametrize("schedule", ["one-shot", "gradual"])
def test_networks_of_a_fleet_keep_shares_of_their_own(schedule, double):
    task = problem("mlp", images=320)
    runs = [run_of("magnitude", keep, schedule) for keep in (1.0, 0.2, 0.01)]
    training, alone = begin(runs, task), [begin([run], task) for run in runs]
    data, order = task.problem.data.train, task.problem.order(0)
    for step in range(8):
        for each in (training, *alone):
            take_step(each, data[order[(step % 4) * 64 : (step % 4) * 64 + 64]], 1.0)
    for index, single in enumerate(alone):
        for name, value in single.fleet.parameters.items():
            together = training.fleet.parameters[name][index]
            torch.testing.assert_close(together, value[0], rtol=0, atol=1e-9)
