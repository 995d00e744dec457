"""Build the problem that the settings of a study name."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from paretoprune.errors import UsageError
from paretoprune.problem.datasets import DATASETS, Data, DataConfig
from paretoprune.problem.datasets.user_data import load_user_data
from paretoprune.problem.device import find_device, seeded
from paretoprune.problem.losses import LOSSES, Loss, loss_of
from paretoprune.problem.models import ANY_SHAPE, MODELS
from paretoprune.problem.normalization import on, rescale, scaled, standardize
from paretoprune.problem.problem import Problem, misfits
from paretoprune.pruning.flops import uses_per_weight
from paretoprune.pruning.penalties import PENALTIES
from paretoprune.pruning.selection import CONVOLUTIONS, prunable_names, weight_names
from paretoprune.study.dataset_ref import FOLDER, is_user_code
from paretoprune.study.options import choose
from paretoprune.study.settings import USER_CODE, Settings
from paretoprune.study.user_code import Function, call, find

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Facts and objects that a machine or a program adds to the settings of a study.

    Attributes:
        data_dir: Folder in which data sets are searched, and to which they are downloaded.
        device: `auto`, `cpu` or `cuda`.
        model: Function that returns a network. It replaces the name in the settings.
        data: Data, or a function that returns them. It replaces the name in the settings.
        loss: Loss function. It replaces the name in the settings.
        initial: The weights with which every run begins, by name; empty for random ones.
    """

    data_dir: Path = Path()
    device: str = "auto"
    model: Function | None = None
    data: Any = None
    loss: Function | None = None
    initial: Arrays = field(default_factory=dict)


def build_problem(settings: Settings, environment: Environment) -> Problem:
    """Build the problem that the settings name.

    Args:
        settings: Settings of the study.
        environment: What the machine or the program adds to the settings.

    Raises:
        UsageError: If a name is unknown, if a combination does not fit, or if there is no such
            device.
        CouldNotError: If data are missing.
    """
    if settings.optimizer == "adam" and settings.momentum:
        raise UsageError("--momentum is for --optimizer sgd and rmsprop: adam has its own")
    complexity = PENALTIES[choose(settings.complexity, PENALTIES, "--complexity")]
    device = find_device(environment.device)
    data = load_data(settings, environment)
    maker = model_maker(settings, environment, data)
    with seeded(settings.seed):
        example = maker()
    loss = find_loss(settings, environment, data)
    convolutions = weight_names(example, CONVOLUTIONS)
    if settings.l2_conv and not convolutions:
        raise UsageError(f"--l2-conv has no meaning for --model {settings.model}: leave it out")
    prunable = prunable_names(example, settings.prunable, settings.exclude)
    scalings = standardize(data) if settings.inputs == "standard" else rescale(data)
    initial = fitting(example, environment.initial, settings.init)
    sample = scaled(data.train[:1].inputs, scalings)
    return Problem(
        model=maker,
        data=data.to(device),
        loss=loss,
        complexity=complexity,
        prunable=prunable,
        convolutions=convolutions,
        seed=settings.seed,
        device=device,
        scalings=on(device, scalings),
        is_glorot=settings.recipe == "paper",
        initial=initial,
        costs=costs_of(example, sample, prunable) if complexity.is_by_cost else {},
    )


def costs_of(
    network: nn.Module, inputs: tuple[Tensor, ...], prunable: tuple[str, ...]
) -> dict[str, float]:
    """Return the FLOPs per weight of each prunable tensor, relative to their mean over all weights.

    The inputs, [B, ...] each, are passed through the network once.
    """
    uses, tensors = uses_per_weight(network, inputs), dict(network.named_parameters())
    sizes = {name: tensors[name].numel() for name in prunable}
    mean = sum(uses[name] * size for name, size in sizes.items()) / sum(sizes.values())
    return {name: uses[name] / mean for name in sizes}


def load_data(settings: Settings, environment: Environment) -> Data:
    """Load the data of a study.

    Raises:
        UsageError: If the name is unknown, if an option does not fit the data set, or if the data
            do not have the required form.
        CouldNotError: If data are missing.
    """
    dataset, reference = settings.dataset, settings.dataset_ref
    name = reference.name
    source = DataConfig(
        data_dir=environment.data_dir,
        validation=settings.validation,
        seed=settings.seed,
        path=reference.path,
        image_size=settings.image_size,
    )
    if settings.image_size and not reference.is_folder:
        raise UsageError(f"--image-size is for --dataset {FOLDER}:PATH: leave it out for {name}")
    if environment.data is not None:
        function = environment.data if callable(environment.data) else lambda: environment.data
        return load_user_data(function, source, f"--dataset {dataset}")
    if is_user_code(dataset):
        return load_user_data(find(dataset, "--dataset"), source, f"--dataset {dataset}")
    load = DATASETS[choose(name, DATASETS, "--dataset", USER_CODE)]
    if reference.is_folder and not reference.path:
        raise UsageError(f"--dataset {dataset} is unknown: write it as {FOLDER}:PATH")
    return load(source)


def model_maker(
    settings: Settings, environment: Environment, data: Data
) -> Callable[[], nn.Module]:
    """Return a function that builds a network for these data.

    Networks are built with it here already, so that errors appear early.

    Raises:
        UsageError: If the model is unknown, does not fit the data, or is not an `nn.Module`.
    """
    name, where = settings.model, f"--model {settings.model}"
    if environment.model is None and not is_user_code(name):
        build = MODELS[choose(name, MODELS, "--model", USER_CODE)]
        if len(data.shape) != 3 and name not in ANY_SHAPE:
            raise UsageError(
                f"{where} is for images, and an input of these data has the shape "
                f"{list(data.shape)}: take --model mlp or your own"
            )
        maker: Callable[[], Any] = partial(build, data.shape, data.outputs)
    else:
        shape = data.shape if len(data.shapes) == 1 else data.shapes
        offered = {"shape": shape, "classes": data.outputs}
        maker = partial(call, environment.model or find(name, "--model"), offered, where)
    try:
        with seeded(settings.seed):  # loading a network must not change a program's random state
            example, other = maker(), maker()
    except ValueError as error:
        raise UsageError(f"--dataset {settings.dataset}: {error}") from error
    if not isinstance(example, nn.Module):
        raise UsageError(f"{where} returns a {type(example).__name__}: it must return an nn.Module")
    if shares_weights(example, other):  # a run would begin with the weights of the one before
        maker = partial(copy.deepcopy, copy.deepcopy(example))
    if any(isinstance(p, nn.parameter.UninitializedParameter) for p in example.parameters()):
        raise UsageError(f"{where} has lazy layers: give their sizes, which `shape` tells")
    return maker


def shares_weights(first: nn.Module, second: nn.Module) -> bool:
    """Return whether two networks share a parameter or buffer."""
    tensors = {id(tensor) for tensor in (*first.parameters(), *first.buffers())}
    return any(id(tensor) in tensors for tensor in (*second.parameters(), *second.buffers()))


def find_loss(settings: Settings, environment: Environment, data: Data) -> Loss:
    """Return the loss of a study; raise `UsageError` if it does not fit the targets."""
    name, is_classes = settings.loss, data.classes > 0
    if environment.loss is not None or is_user_code(name):
        return loss_of(environment.loss or find(name, "--loss"), name)
    loss = LOSSES[choose(name, LOSSES, "--loss", USER_CODE)]
    if is_classes and name == "mse":
        raise UsageError("--loss mse is for numbers, and the targets are classes: make them floats")
    if not is_classes and name == "cross-entropy":
        raise UsageError(
            "--loss cross-entropy is for classes, and the targets are numbers: give --loss mse, or "
            "make them whole numbers, one for each sample"
        )
    return loss


def fitting(example: nn.Module, initial: Arrays, path: str) -> dict[str, Tensor]:
    """Return initial weights as tensors, by the names that the network uses.

    Raises `UsageError` if they belong to another network. `path` is their file, for the message.
    """
    if not initial:
        return {}
    tensors = dict((*example.named_parameters(), *example.named_buffers()))
    first_names = {id(tensor): name for name, tensor in tensors.items()}
    names = {  # a file may hold a tensor that layers share under another of its names
        name: first_names[id(tensor)]
        for name, tensor in (*example.named_parameters(remove_duplicate=False), *tensors.items())
    }
    given = {names.get(name, name): torch.from_numpy(array) for name, array in initial.items()}
    if differences := misfits(example, given):
        more = f" and {len(differences) - 3} more" if len(differences) > 3 else ""
        raise UsageError(
            f"--init {path} holds another network's weights: {'; '.join(differences[:3])}{more}"
        )
    return given
