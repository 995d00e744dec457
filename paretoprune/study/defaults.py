"""What is taken where the user says nothing: by data set, optimizer and recipe? No torch."""

from collections.abc import Mapping
from typing import Any

FOLDER = "folder"  # the data set `folder:PATH`

# What every study takes, what suits a model, and a data set, which wins (docs/recipe.md).
EVERY: dict[str, Any] = {"threshold": 3e-3, "warm_up": 0.5}
OF_MODELS: dict[str, dict[str, Any]] = {
    "mlp": {"batch_size": 64, "learning_rate": 2e-3},
    "lenet5": {"batch_size": 32, "learning_rate": 7e-3},
    "lenet5-caffe": {"batch_size": 64, "learning_rate": 6e-3, "threshold": 1e-3, "warm_up": 0.0},
    "vgg": {"batch_size": 64, "learning_rate": 2e-3},
}
# A user's own.
OWN_MODEL: dict[str, Any] = {"prunable": "all", "batch_size": 64, "learning_rate": 1e-3}
OWN_DATA: dict[str, Any] = {"model": "mlp"}
GREY = {"model": "lenet5", "epochs": 10, "inputs": "standard"}
COLOURED = {"model": "vgg", "epochs": 40, "inputs": "standard"}
SUITED: dict[str, dict[str, Any]] = {
    "digits": {"model": "mlp", "epochs": 50, "batch_size": 32, "learning_rate": 2e-2},
    "mnist": GREY,
    "fashion-mnist": GREY,
    "cifar10": COLOURED,
    FOLDER: COLOURED,
}

# The rates above are for Adam.
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "sgd": {"learning_rate": 2e-2, "momentum": 0.9},
    "rmsprop": {"learning_rate": 1e-3},
}

# The authors' settings (arXiv 2008.13590, section 5, and their code); a third of their epochs, as
# in their searches. They state no learning rate: these are ours.
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
PAPER_COLOURED: dict[str, Any] = {  # CIFAR-10, and images like it
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
SMGD_RUNS = 3  # in a new study; those of older versions have none
PAPER_GRID = 26  # points of the authors' grid
WITHOUT_CONVOLUTIONS = ("mlp",)

RECIPES = ("own", "paper")


def name_and_path(dataset: str) -> tuple[str, str]:
    """What `--dataset` says: a name, and the path of `folder:PATH` (else empty)."""
    name, _, path = dataset.partition(":")
    return (name, path) if name == FOLDER else (dataset, "")


def is_own(name: str) -> bool:
    """Whether a name is that of a user's own code, `package.module:function`."""
    return ":" in name and not name.startswith(f"{FOLDER}:")


def suited(field: str, usual: object = None) -> str:
    """The defaults of a setting, as help says them: `50 for digits; 10 for mnist, ...`.

    Where a data set says nothing they are `usual` or, without it, those of the models.
    """
    names: dict[str, list[str]] = {}
    for name, values in SUITED.items():
        if field in values or usual is not None:
            names.setdefault(str(values.get(field, usual)), []).append(name)
    of_models = (f"{own[field]} for {name}" for name, own in OF_MODELS.items() if field in own)
    own = (f"{value} for {', '.join(group)}" for value, group in names.items())
    return "; ".join((*own, *of_models))


def usual_of(field: str) -> str:
    """The default of a setting that every study takes, but for some models, as help says it."""
    own = (f"{values[field]:g} for {name}" for name, values in OF_MODELS.items() if field in values)
    return ", else ".join((*own, f"{EVERY[field]:g}"))


def usual_budget(recipe: str, search: str) -> dict[str, Any]:
    """The budget of a new study; the authors know no tolerance, and have moments of their own."""
    if recipe != "paper":
        return {"smgd": SMGD_RUNS}
    most = {"max_runs": PAPER_GRID} if search == "grid" else {}
    return {"smgd": SMGD_RUNS, "tolerance": 0.0, "moments": "separate", **most}


def complete(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that a user gave, and what suits them where the user said nothing.

    Nearest to the user's word wins: what was given, then what suits the optimizer, then the
    recipe, then the data set, then the model; but a user's own model wins over the data set.
    """
    name, _ = name_and_path(given.get("dataset", "digits"))
    of_data = OWN_DATA if is_own(name) else SUITED.get(name, {})
    model = given.get("model", of_data.get("model", ""))
    of_model = OWN_MODEL if is_own(model) else OF_MODELS.get(model, {})
    suited = {**EVERY, **of_data, **of_model} if is_own(model) else {**EVERY, **of_model, **of_data}
    optimizers = OPTIMIZERS
    if given.get("recipe") == "paper":
        coloured = PAPER_COLOURED if suited.get("model") == "vgg" else {}
        suited, optimizers = {**suited, **PAPER, **coloured}, PAPER_OPTIMIZERS
        if model in WITHOUT_CONVOLUTIONS or is_own(model):  # which may have none
            suited["l2_conv"] = 0.0
    chosen = {**suited, **given}.get("optimizer", "adam")
    return {**suited, **optimizers.get(chosen, {}), **given}
