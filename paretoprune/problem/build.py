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
from paretoprune.study.settings import USER_CODE, Settings
from paretoprune.study.user_code import Function, call, find
from paretoprune.study.validation import choose

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What a machine or a program adds to the settings of a study.

    Attributes:
        data_dir: Folder where data sets are found, or downloaded to.
        device: `auto`, `cpu` or `cuda`.
        model: Function that returns a network, in place of the name in the settings.
        data: Data, or a function that returns them, in place of the name in the settings.
        loss: Loss function, in place of the name in the settings.
        initial: The weights with which every run begins, by name; none for new ones.
    """

    data_dir: Path = Path()
    device: str = "auto"
    model: Function | None = None
    data: Any = None
    loss: Function | None = None
    initial: Arrays = field(default_factory=dict)


def build_problem(settings: Settings, environment: Environment) -> Problem:
    """Build what `settings` name.

    Raises:
        UsageError: A name is unknown, a combination does not fit, or there is no such device.
        CouldNotError: Data are missing.
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
    one = scaled(data.train[:1].inputs, scalings)
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
        costs=costs_of(example, one, prunable) if complexity.is_by_cost else {},
    )


def costs_of(
    network: nn.Module, inputs: tuple[Tensor, ...], prunable: tuple[str, ...]
) -> dict[str, float]:
    """Return the FLOPs that a weight of each prunable tensor costs, relative to their mean.

    `inputs` [B, ...] are passed through the network once.
    """
    places, tensors = uses_per_weight(network, inputs), dict(network.named_parameters())
    sizes = {name: tensors[name].numel() for name in prunable}
    mean = sum(places[name] * size for name, size in sizes.items()) / sum(sizes.values())
    return {name: places[name] / mean for name in sizes}


def load_data(settings: Settings, environment: Environment) -> Data:
    """Load the data that `settings` name; `folder:PATH` is the one with a path."""
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
        own = environment.data if callable(environment.data) else lambda: environment.data
        return load_user_data(own, source, f"--dataset {dataset}")
    if is_user_code(dataset):
        return load_user_data(find(dataset, "--dataset"), source, f"--dataset {dataset}")
    load = DATASETS[choose(name, DATASETS, "--dataset", USER_CODE)]
    if reference.is_folder and not reference.path:
        raise UsageError(f"--dataset {dataset} is unknown: write it as {FOLDER}:PATH")
    return load(source)


def model_maker(
    settings: Settings, environment: Environment, data: Data
) -> Callable[[], nn.Module]:
    """What builds a network for these data, built once already, so that it is known to work."""
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
        with seeded(settings.seed):  # a program that loads a network keeps its random state
            example, other = maker(), maker()
    except ValueError as error:
        raise UsageError(f"--dataset {settings.dataset}: {error}") from error
    if not isinstance(example, nn.Module):
        raise UsageError(f"{where} returns a {type(example).__name__}: it must return an nn.Module")
    if shares_weights(example, other):  # what a run trains would be where the next one begins
        maker = partial(copy.deepcopy, copy.deepcopy(example))
    if any(isinstance(one, nn.parameter.UninitializedParameter) for one in example.parameters()):
        raise UsageError(f"{where} has lazy layers: give their sizes, which `shape` tells")
    return maker


def shares_weights(one: nn.Module, other: nn.Module) -> bool:
    """Whether two networks hold a tensor in common."""
    tensors = {id(own) for own in (*one.parameters(), *one.buffers())}
    return any(id(own) in tensors for own in (*other.parameters(), *other.buffers()))


def find_loss(settings: Settings, environment: Environment, data: Data) -> Loss:
    """The loss that `settings` name; raise `UsageError` where the targets do not fit it."""
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
    """Initial weights as tensors; raise `UsageError` where they are not this network's."""
    if not initial:
        return {}
    own = dict((*example.named_parameters(), *example.named_buffers()))
    aliases = {id(one): name for name, one in own.items()}
    names = {  # a tensor that layers share has another name in some files
        name: aliases[id(one)]
        for name, one in (*example.named_parameters(remove_duplicate=False), *own.items())
    }
    given = {names.get(name, name): torch.from_numpy(array) for name, array in initial.items()}
    if odd := misfits(example, given):
        more = f" and {len(odd) - 3} more" if len(odd) > 3 else ""
        raise UsageError(
            f"--init {path} holds another network's weights: {'; '.join(odd[:3])}{more}"
        )
    return given
