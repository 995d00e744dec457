"""Defaults of the settings, by data set, model, optimizer and recipe. Loads no torch."""

from collections.abc import Mapping
from typing import Any

from paretoprune.study.dataset_ref import FOLDER, DatasetRef, is_user_code

# Defaults of every study, of each model and of each data set; a later table takes precedence over
# an earlier one (docs/recipe.md).
EVERY: dict[str, Any] = {"threshold": 3e-3, "warm_up": 0.5}
OF_MODELS: dict[str, dict[str, Any]] = {
    "mlp": {"batch_size": 64, "learning_rate": 2e-3},
    "lenet5": {"batch_size": 32, "learning_rate": 7e-3},
    "lenet5-caffe": {"batch_size": 64, "learning_rate": 6e-3, "threshold": 1e-3, "warm_up": 0.0},
    "vgg": {"batch_size": 64, "learning_rate": 2e-3},
}
# Defaults for a model and for data that are defined by the user's code.
USER_MODEL: dict[str, Any] = {"prunable": "all", "batch_size": 64, "learning_rate": 1e-3}
USER_DATA: dict[str, Any] = {"model": "mlp"}
GREY = {"model": "lenet5", "epochs": 10, "inputs": "standard"}
COLOURED = {"model": "vgg", "epochs": 40, "inputs": "standard"}
OF_DATASETS: dict[str, dict[str, Any]] = {
    "digits": {"model": "mlp", "epochs": 50, "batch_size": 32, "learning_rate": 2e-2},
    "mnist": GREY,
    "fashion-mnist": GREY,
    "cifar10": COLOURED,
    FOLDER: COLOURED,
}

# The learning rates above are for Adam.
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "sgd": {"learning_rate": 2e-2, "momentum": 0.9},
    "rmsprop": {"learning_rate": 1e-3},
}

# The authors' settings (arXiv 2008.13590, section 5, and their code), with a third of their epochs,
# as in their searches. They state no learning rates: those below are our choice.
PAPER: dict[str, Any] = {
    "search": "stochastic-dichotomic",
    "round_size": 16,
    "schedule": "constant",
    "threshold": 1e-3,
    "warm_up": 0.0,
    "epochs": 10,
    "batch_size": 32,
    "optimizer": "adam",
    "l2_conv": 1e-4,
    "inputs": "unit",
}
PAPER_COLOURED: dict[str, Any] = {  # CIFAR-10 and similar colour images
    "epochs": 41,
    "batch_size": 64,
    "optimizer": "rmsprop",
    "l2_conv": 1e-6,
    "inputs": "standard",
}
PAPER_OPTIMIZERS: dict[str, dict[str, Any]] = {
    "adam": {"learning_rate": 1e-3},
    "sgd": {"learning_rate": 1e-2, "momentum": 0.9},
    "rmsprop": {"learning_rate": 1e-4},
}
PAPER_GRID = 26  # number of points of the authors' grid
WITHOUT_CONVOLUTIONS = ("mlp",)

RECIPES = ("own", "paper")


def defaults_for(field: str, usual: object = None) -> str:
    """Return the defaults of a setting for the help text: `50 for digits; 10 for mnist, ...`.

    A data set that does not declare the setting is listed with `usual`, or left out if `usual` is
    `None`. The defaults that models declare follow.
    """
    names: dict[str, list[str]] = {}
    for name, values in OF_DATASETS.items():
        if field in values or usual is not None:
            names.setdefault(str(values.get(field, usual)), []).append(name)
    of_models = (
        f"{values[field]} for {name}" for name, values in OF_MODELS.items() if field in values
    )
    of_datasets = (f"{value} for {', '.join(group)}" for value, group in names.items())
    return "; ".join((*of_datasets, *of_models))


def default_help(field: str) -> str:
    """Return the default of a setting in `EVERY` for the help text, after models that differ."""
    of_models = (
        f"{values[field]:g} for {name}" for name, values in OF_MODELS.items() if field in values
    )
    return ", else ".join((*of_models, f"{EVERY[field]:g}"))


def default_budget(recipe: str, search: str) -> dict[str, Any]:
    """Return the budget of a new study; the recipe `paper` has no tolerance, as the authors."""
    if recipe != "paper":
        return {}
    return {"tolerance": 0.0, **({"max_runs": PAPER_GRID} if search == "grid" else {})}


def complete(given: Mapping[str, Any]) -> dict[str, Any]:
    """Complete the options that the user gave with the defaults that suit them.

    Precedence, highest first: the given options, the defaults of the optimizer, of the recipe, of
    the data set, of the model. The defaults of user code given as model come before those of the
    data set.
    """
    dataset = DatasetRef.parse(given.get("dataset", "digits"))
    of_data = USER_DATA if is_user_code(dataset.name) else OF_DATASETS.get(dataset.name, {})
    model = given.get("model", of_data.get("model", ""))
    of_model = USER_MODEL if is_user_code(model) else OF_MODELS.get(model, {})
    defaults = (
        {**EVERY, **of_data, **of_model}
        if is_user_code(model)
        else {**EVERY, **of_model, **of_data}
    )
    optimizers = OPTIMIZERS
    if given.get("recipe") == "paper":
        coloured = PAPER_COLOURED if defaults.get("model") == "vgg" else {}
        defaults, optimizers = {**defaults, **PAPER, **coloured}, PAPER_OPTIMIZERS
        if model in WITHOUT_CONVOLUTIONS or is_user_code(
            model
        ):  # user code may have no convolutions
            defaults["l2_conv"] = 0.0
    chosen = {**defaults, **given}.get("optimizer", "adam")
    return {**defaults, **optimizers.get(chosen, {}), **given}
