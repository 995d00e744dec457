"""What is taken where the user says nothing, and the authors' settings as one word."""

import math

import numpy as np
import pytest
import torch

from paretoprune.errors import UsageError
from paretoprune.problem.build import Environment, build_problem
from paretoprune.runner.request import SweepRequest
from paretoprune.runner.runs import comparison_runs, run_template
from paretoprune.runner.setup import open_study
from paretoprune.search import SEARCHES, SearchSettings
from paretoprune.study.defaults import EVERY, OF_MODELS, SUITED, complete
from paretoprune.study.settings import Budget, Plan, Settings
from paretoprune.training.prepare import prepare
from paretoprune.training.train import train_fleet
from tests.problems import problem, run
from tests.tables import table
from tests.test_knees import MEASURED


def test_the_papers_recipe_is_the_authors_settings():
    settings = Settings.from_options({"dataset": "mnist", "recipe": "paper"})
    assert (settings.model, settings.optimizer, settings.learning_rate) == ("lenet5", "adam", 1e-3)
    assert (settings.epochs, settings.batch_size, settings.schedule) == (10, 32, "constant")
    assert (settings.threshold, settings.l2_conv, settings.inputs) == (1e-3, 1e-4, "unit")
    assert run_template(settings).moments == "separate"
    cifar = Settings.from_options({"dataset": "cifar10", "recipe": "paper"})
    assert (cifar.model, cifar.optimizer, cifar.learning_rate) == ("vgg", "rmsprop", 1e-4)
    assert (cifar.epochs, cifar.batch_size, cifar.l2_conv) == (41, 64, 1e-6)
    assert cifar.inputs == "standard"
    assert run_template(Settings()).moments == "joint"


@pytest.mark.parametrize(
    ("given", "rate", "momentum"),
    [
        ({"optimizer": "sgd", "recipe": "paper"}, 1e-2, 0.9),
        ({"optimizer": "rmsprop", "recipe": "paper"}, 1e-4, 0.0),
        ({"optimizer": "sgd"}, 2e-2, 0.9),
        ({"optimizer": "rmsprop"}, 1e-3, 0.0),
        ({}, OF_MODELS["lenet5"]["learning_rate"], 0.0),
        ({"optimizer": "sgd", "learning_rate": 0.5, "momentum": 0.1}, 0.5, 0.1),
    ],
)
def test_a_rate_suits_its_optimizer_and_the_users_word_wins(given, rate, momentum):
    settings = Settings.from_options({"dataset": "mnist", **given})
    assert (settings.learning_rate, settings.momentum) == (rate, momentum)


def test_the_papers_recipe_does_not_look_for_convolutions_in_an_mlp():
    assert complete({"recipe": "paper", "model": "mlp", "dataset": "mnist"})["l2_conv"] == 0
    assert complete({"recipe": "paper"})["l2_conv"] == 0  # the digits' own model is the mlp


def test_a_model_takes_its_own_rate_unless_the_data_set_knows_better():
    for name, own in OF_MODELS.items():
        assert complete({"dataset": "mnist", "model": name}).items() >= own.items()
    assert complete({"dataset": "mnist"}).items() >= OF_MODELS[SUITED["mnist"]["model"]].items()
    digits = complete({"model": "mlp"})
    assert digits["learning_rate"] == SUITED["digits"]["learning_rate"]
    assert digits["batch_size"] == SUITED["digits"]["batch_size"]


def test_every_run_warms_up_but_those_without_a_lam_and_the_authors():
    plan = Plan(settings=Settings.from_options({}), budget=Budget(smgd=1), measured=MEASURED)
    assert run_template(plan.settings).warm_up == EVERY["warm_up"] > 0
    assert [one.warm_up for one in comparison_runs(plan)] == [0.0]
    for dataset in SUITED:
        settings = Settings.from_options({"dataset": dataset, "recipe": "paper"})
        assert (settings.warm_up, settings.threshold) == (0.0, 1e-3)


@pytest.mark.parametrize("dataset", [*SUITED, "folder:images"])
def test_what_suits_a_data_set_is_possible(dataset):
    Settings.from_options({"dataset": dataset})
    Settings.from_options({"dataset": dataset, "recipe": "paper"})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"recipe": "paper", "search": "knee"}, "no meaning with --recipe paper"),
        ({"recipe": "papers"}, "did you mean paper"),
        ({"inputs": "z"}, "--inputs z is unknown"),
        ({"momentum": 1.0}, "--momentum 1.0"),
        ({"l2_conv": -1.0}, "--l2-conv -1.0"),
        ({"image_size": 3}, "--image-size 3"),
    ],
)
def test_what_cannot_be_is_refused_with_its_option(options, said):
    with pytest.raises(UsageError, match=said):
        Settings.from_options(options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"momentum": 0.9}, "--momentum is for"),
        ({"l2_conv": 1e-4}, "--l2-conv has no meaning for --model mlp"),
        ({"image_size": 32}, "--image-size is for --dataset folder"),
        ({"dataset": "folder"}, "folder:PATH"),
        ({"dataset": "mnist:here"}, "there is no module mnist"),
        ({"dataset": "mnist:"}, "write it like package.module:function"),
    ],
)
def test_what_the_problem_cannot_use_is_refused(options, said, tmp_path):
    with pytest.raises(UsageError, match=said):
        prepare(Settings.from_options(options), Environment(data_dir=tmp_path))


def test_their_grid_has_26_points_as_the_authors_chose_them(tmp_path):
    settings = {"recipe": "paper", "search": "grid"}
    plan, _ = open_study(tmp_path / "study", SweepRequest(settings=settings))
    assert (plan.budget.max_runs, plan.budget.tolerance) == (26, 0)
    asked = SearchSettings(
        lam_ref=1.0,
        round_size=26,
        tolerance=0,
        max_runs=26,
        constant_loss=2.3,
        validation_images=1,
        recipe="paper",
    )
    lams = sorted(SEARCHES["grid"](table([]), asked).lams)
    assert len(lams) == 26
    assert lams[:6] == [0, 1e-5, 3e-5, 5e-5, 7e-5, 9e-5]
    assert lams[-10:] == [0.01, 0.015, 0.02, 0.025, 0.03, 0.035, 0.05, 0.07, 0.09, 0.1]


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


def plain_separate_training(one, task):
    """Two Adams of torch's own, one an objective; their steps are weighted and added."""
    network = task.problem.network(one.seed)
    named = dict(network.named_parameters())
    copies = {
        objective: {name: value.detach().clone() for name, value in named.items()}
        for objective in ("loss", "l1")
    }
    adams = {
        objective: torch.optim.Adam(values.values(), lr=1.0) for objective, values in copies.items()
    }
    batches = math.ceil(len(task.problem.data.train) / one.batch_size)
    for number in range(one.epochs * batches):
        batch = task.problem.order(number // batches).split(one.batch_size)[number % batches]
        images = task.problem.data.train.inputs[0][batch] / task.problem.data.white
        logits = network(images)
        loss = torch.nn.functional.cross_entropy(logits, task.problem.data.train.targets[batch])
        gradients = dict(zip(named, torch.autograd.grad(loss, named.values()), strict=True))
        moved = {}
        for objective, values in copies.items():
            for name, value in values.items():
                of_l1 = named[name].detach().sign() if name in task.problem.prunable else None
                value.grad = gradients[name] if objective == "loss" else of_l1
            before = {name: value.clone() for name, value in values.items()}
            adams[objective].step()
            moved[objective] = {name: values[name] - before[name] for name in values}
        with torch.no_grad():
            for name, value in named.items():
                value += one.learning_rate * (1 - one.lam) * moved["loss"][name]
                value += one.learning_rate * one.lam * moved["l1"][name]
    return named


@pytest.mark.parametrize("lam", [0.0, 0.03])
def test_separate_moments_are_two_adams_whose_steps_are_weighted(double, lam):
    task = problem(images=128)
    one = run(lam=lam, threshold=0.0, moments="separate", schedule="constant", epochs=3)
    outcome = train_fleet([one, run(**{**vars(one), "lam": 0.1})], task, lambda *_: None)[0]
    for name, value in plain_separate_training(one, task).items():
        np.testing.assert_allclose(outcome.weights[name], value.detach(), rtol=0, atol=1e-7)
