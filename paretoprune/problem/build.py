"""What do the settings of a study name? Its problem, checked before anything is trained."""

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from paretoprune.errors import UsageError
from paretoprune.problem.datasets import DATASETS, Data, Source
from paretoprune.problem.datasets.user_data import own_data
from paretoprune.problem.device import find_device
from paretoprune.problem.losses import LOSSES, Loss, loss_of
from paretoprune.problem.models import ANY_SHAPE, MODELS
from paretoprune.problem.normalization import on, standard, unit
from paretoprune.problem.problem import Problem, misfits
from paretoprune.pruning.flops import positions
from paretoprune.pruning.penalties import COMPLEXITIES
from paretoprune.pruning.selection import CONVOLUTIONS, prunable_names, weight_names
from paretoprune.study.defaults import FOLDER, is_own, name_and_path
from paretoprune.study.metric import ACCURACY
from paretoprune.study.settings import OWN, Settings, choose
from paretoprune.study.user_code import Function, call, find
from paretoprune.training.fleet.select import choose_path
from paretoprune.training.optimizers import SCHEDULES, UPDATES

CHECKED_SAMPLES = 8  # of the step that a fleet's way must pass

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Place:
    """What a machine or a caller adds to the settings of a study.

    `device` is `auto`, `cpu` or `cuda`. `model`, `data` and `loss` stand in for own code that the
    settings name, where a Python program has it at hand; `initial` holds the weights that every run
    begins with, by name.
    """

    data_dir: Path = Path()
    device: str = "auto"
    model: Function | None = None
    data: Any = None
    loss: Function | None = None
    initial: Arrays = field(default_factory=dict)


def build_problem(settings: Settings, place: Place) -> Problem:
    """Build what `settings` name, ready to be trained.

    Raises `UsageError` for unknown names, combinations that do not fit and a device that is not
    there, `CouldNotError` where data are missing.
    """
    problem = with_path(named_problem(settings, place))
    return with_costs(with_constant(problem, settings))


def named_problem(settings: Settings, place: Place) -> Problem:
    """What `settings` name, before its first step; raises as `build_problem`."""
    for name, table in (("optimizer", UPDATES), ("schedule", SCHEDULES)):
        choose(getattr(settings, name), table, f"--{name}")
    if settings.optimizer == "adam" and settings.momentum:
        raise UsageError("--momentum is for --optimizer sgd and rmsprop: adam has its own")
    complexity = COMPLEXITIES[choose(settings.complexity, COMPLEXITIES, "--complexity")]
    device = find_device(place.device)
    data = load_data(settings, place)
    maker = model_maker(settings, place, data)
    example = maker()
    loss = find_loss(settings, place, data)
    convolutions = weight_names(example, CONVOLUTIONS)
    if settings.l2_conv and not convolutions:
        raise UsageError(f"--l2-conv has no meaning for --model {settings.model}: leave it out")
    prunable = prunable_names(example, settings.prunable, settings.exclude)
    scalings = standard(data) if settings.inputs == "standard" else unit(data)
    return Problem(
        model=maker,
        data=data.to(device),
        loss=loss,
        complexity=complexity,
        prunable=prunable,
        convolutions=convolutions,
        constant=torch.empty(0),  # found by a step
        constant_loss=math.nan,
        seed=settings.seed,
        device=device,
        scalings=on(device, scalings),
        is_glorot=settings.recipe == "paper",
        initial=fitting(example, place.initial, settings.init),
    )


def with_path(problem: Problem) -> Problem:
    """Find the fastest way to train fleets of this problem that is right."""
    networks = [problem.network(seed).to(problem.device) for seed in (0, 1)]
    inputs = problem.inputs(problem.data.train[:CHECKED_SAMPLES].inputs)
    path, refused = choose_path(networks, inputs)
    return replace(problem, path=path, refused=refused)


def with_constant(problem: Problem, settings: Settings) -> Problem:
    """Find the best constant prediction, and see that the outputs fit the targets on the way."""
    data, loss = problem.data, problem.loss
    few = data.train[:CHECKED_SAMPLES]
    outputs = problem.fleet([0]).forward(problem.inputs(few.inputs)).detach()
    wanted, found = data.outputs, list(outputs.shape[2:])
    is_flat = math.prod(found) == wanted and (len(found) == 1 or not data.classes)
    if not is_flat and not is_own(settings.loss):
        what = f"{wanted} classes" if data.classes else f"targets of {wanted} numbers"
        raise UsageError(
            f"--model {settings.model} returns {found or 'a number'} for a sample, and the data "
            f"have {what}: make its last layer fit"
        )
    loss.value(outputs, few.targets)  # a user's own may raise
    constant = loss.constant(data.train.targets, outputs.shape[2:])
    whole = constant.expand(1, len(data.validation), *constant.shape)
    value = loss.value(whole, data.validation.targets).double().mean().item()
    if not math.isfinite(value) and data.classes:
        raise UsageError(
            "a class has validation samples and no training samples: take a smaller --validation, "
            "or other data"
        )
    if not 0 < value < math.inf:
        raise UsageError(
            f"--loss {settings.loss} of the best constant prediction is {value:.3g}: it must be a "
            "number above 0, so add what makes it so, or take data whose targets differ"
        )
    is_share = data.classes > 0 and found == [wanted]
    quality = ACCURACY if is_share else loss.quality
    return replace(problem, constant=constant, constant_loss=value, quality=quality)


def with_costs(problem: Problem) -> Problem:
    """Let weights count by the FLOPs that each costs, relative to their mean."""
    if not problem.complexity.is_by_cost:
        return problem
    network = problem.network(problem.seed).to(problem.device)
    places = positions(network, problem.inputs(problem.data.train[:1].inputs))
    own = dict(network.named_parameters())
    sizes = {name: own[name].numel() for name in problem.prunable}
    mean = sum(places[name] * size for name, size in sizes.items()) / sum(sizes.values())
    return replace(problem, costs={name: places[name] / mean for name in sizes})


def load_data(settings: Settings, place: Place) -> Data:
    """Load the data that `settings` name; `folder:PATH` is the one with a path."""
    dataset = settings.dataset
    name, path = name_and_path(dataset)
    source = Source(
        data_dir=place.data_dir,
        validation=settings.validation,
        seed=settings.seed,
        path=Path(path) if path else None,
        image_size=settings.image_size,
    )
    if settings.image_size and name != FOLDER:
        raise UsageError(f"--image-size is for --dataset {FOLDER}:PATH: leave it out for {name}")
    if place.data is not None:
        own = place.data if callable(place.data) else lambda: place.data
        return own_data(own, source, f"--dataset {dataset}")
    if is_own(dataset):
        return own_data(find(dataset, "--dataset"), source, f"--dataset {dataset}")
    load = DATASETS[choose(name, DATASETS, "--dataset", OWN)]
    if name == FOLDER and not path:
        raise UsageError(f"--dataset {dataset} is unknown: write it as {FOLDER}:PATH")
    return load(source)


def model_maker(settings: Settings, place: Place, data: Data) -> Callable[[], nn.Module]:
    """What builds a network for these data, built once already, so that it is known to work."""
    name, where = settings.model, f"--model {settings.model}"
    if place.model is None and not is_own(name):
        build = MODELS[choose(name, MODELS, "--model", OWN)]
        if len(data.shape) != 3 and name not in ANY_SHAPE:
            raise UsageError(
                f"{where} is for images, and an input of these data has the shape "
                f"{list(data.shape)}: take --model mlp or your own"
            )
        maker: Callable[[], Any] = partial(build, data.shape, data.outputs)
    else:
        shape = data.shape if len(data.shapes) == 1 else data.shapes
        offered = {"shape": shape, "classes": data.outputs}
        maker = partial(call, place.model or find(name, "--model"), offered, where)
    try:
        example = maker()
    except ValueError as error:
        raise UsageError(f"--dataset {settings.dataset}: {error}") from error
    if not isinstance(example, nn.Module):
        raise UsageError(f"{where} returns a {type(example).__name__}: it must return an nn.Module")
    if shares_weights(example, maker()):  # what a run trains would be where the next one begins
        maker = partial(copy.deepcopy, copy.deepcopy(example))
    if any(isinstance(one, nn.parameter.UninitializedParameter) for one in example.parameters()):
        raise UsageError(f"{where} has lazy layers: give their sizes, which `shape` tells")
    return maker


def shares_weights(one: nn.Module, other: nn.Module) -> bool:
    """Whether two networks hold a tensor in common."""
    tensors = {id(own) for own in (*one.parameters(), *one.buffers())}
    return any(id(own) in tensors for own in (*other.parameters(), *other.buffers()))


def find_loss(settings: Settings, place: Place, data: Data) -> Loss:
    """The loss that `settings` name; raise `UsageError` where the targets do not fit it."""
    name, is_classes = settings.loss, data.classes > 0
    if place.loss is not None or is_own(name):
        return loss_of(place.loss or find(name, "--loss"), name)
    loss = LOSSES[choose(name, LOSSES, "--loss", OWN)]
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
