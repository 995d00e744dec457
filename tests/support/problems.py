"""Small real problems: the digits, also enlarged, for each model."""

from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import torch

from paretoprune.problem.build import costs_of
from paretoprune.problem.datasets import DATASETS, Data, DataConfig
from paretoprune.problem.losses import LOSSES
from paretoprune.problem.models import MODELS
from paretoprune.problem.normalization import rescale, scaled
from paretoprune.problem.problem import Problem
from paretoprune.pruning.penalties import PENALTIES
from paretoprune.pruning.selection import PRUNABLE, prunable_names, weight_names
from paretoprune.runner.runs import run_template
from paretoprune.study.run import Run
from paretoprune.study.settings import Settings
from paretoprune.training.prepare import Prepared, prepare_problem


def problem(
    model: str = "mlp", prunable: str = "linear", images: int = 256, complexity: str = "l1"
) -> Prepared:
    """What `new_problem` makes; equal ones are shared, as nothing alters a problem."""
    return _shared(model, prunable, images, complexity, torch.get_default_dtype())


@cache
def _shared(
    model: str, prunable: str, images: int, complexity: str, numbers: torch.dtype
) -> Prepared:
    return new_problem(model, prunable, images, complexity)


def new_problem(
    model: str = "mlp", prunable: str = "linear", images: int = 256, complexity: str = "l1"
) -> Prepared:
    """The digits (twice their size for LeNets), with few training images."""
    data = DATASETS["digits"](source())
    parts = [data.train[:images], data.validation[:144], data.test[:100]]
    if model.startswith("lenet5"):
        parts = [replace(part, inputs=(twice(part.inputs[0]),)) for part in parts]
    data = Data(*parts, classes=10, white=16.0)
    maker = partial(MODELS[model], data.shape, 10)
    prunable_weights, scalings = prunable_names(maker(), prunable), rescale(data)
    costs = costs_of(maker(), scaled(data.train[:1].inputs, scalings), prunable_weights)
    own = Problem(
        model=maker,
        data=data,
        loss=LOSSES["cross-entropy"],
        complexity=PENALTIES[complexity],
        prunable=prunable_weights,
        convolutions=weight_names(maker(), PRUNABLE["conv"]),
        seed=0,
        device=torch.device("cpu"),
        scalings=scalings,
        costs=costs if PENALTIES[complexity].is_by_cost else {},
    )
    return prepare_problem(own, Settings())


def source(
    data_dir: Path | None = None, validation: float = 0.1, seed: int = 0, **more
) -> DataConfig:
    """Where data come from; the digits need no folder."""
    return DataConfig(data_dir=data_dir or Path(), validation=validation, seed=seed, **more)


def twice(images: torch.Tensor) -> torch.Tensor:
    return images.repeat_interleave(2, 2).repeat_interleave(2, 3)


def run(**changes: object) -> Run:
    """A run of few steps."""
    settings = Settings(epochs=2, batch_size=32, learning_rate=1e-2)
    return replace(run_template(settings), **changes)
