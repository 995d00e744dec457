"""Defaults, and the authors' settings as one word."""

import pytest

from paretoprune.errors import UsageError
from paretoprune.runner.runs import comparison_runs, run_template
from paretoprune.study.defaults import EVERY, OF_DATASETS, OF_MODELS, complete
from paretoprune.study.options import from_values
from paretoprune.study.plan import Budget, Plan
from paretoprune.study.settings import Settings
from tests.support.fronts import MEASURED


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
    assert (
        complete({"dataset": "mnist"}).items() >= OF_MODELS[OF_DATASETS["mnist"]["model"]].items()
    )
    digits = complete({"model": "mlp"})
    assert digits["learning_rate"] == OF_DATASETS["digits"]["learning_rate"]
    assert digits["batch_size"] == OF_DATASETS["digits"]["batch_size"]


def test_every_run_warms_up_but_those_without_a_lam_and_the_authors():
    plan = Plan(
        settings=Settings.from_options({}),
        budget=from_values(Budget, {"smgd": 1}),
        measured=MEASURED,
    )
    assert run_template(plan.settings).warm_up == EVERY["warm_up"] > 0
    assert [one.warm_up for one in comparison_runs(plan)] == [0.0]
    for dataset in OF_DATASETS:
        settings = Settings.from_options({"dataset": dataset, "recipe": "paper"})
        assert (settings.warm_up, settings.threshold) == (0.0, 1e-3)


@pytest.mark.parametrize("dataset", [*OF_DATASETS, "folder:images"])
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
