"""Initial weights of the paper's networks."""

import math

import pytest

from paretoprune.problem.build import Environment, build_problem
from paretoprune.study.settings import Settings


def test_the_papers_networks_begin_as_keras_ones(tmp_path):
    settings = Settings.from_options({"recipe": "paper", "model": "mlp"})
    network = build_problem(settings, Environment(data_dir=tmp_path)).network(0)
    largest = math.sqrt(6 / (64 + 300))
    weight = network[1].weight
    assert 0.99 * largest < weight.abs().max() <= largest
    assert weight.std().item() == pytest.approx(largest / math.sqrt(3), rel=0.02)
    assert network[1].bias.abs().max() == 0
    own = build_problem(Settings.from_options({}), Environment(data_dir=tmp_path)).network(0)
    assert own[1].weight.abs().max() <= 1 / math.sqrt(64)
    assert own[1].bias.abs().max() > 0
