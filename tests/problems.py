"""Small real problems: the digits, also enlarged, for each model."""

from dataclasses import replace
from pathlib import Path

import torch

from paretoprune.complexity import COMPLEXITIES, PRUNABLE, prunable_names, weight_names
from paretoprune.datasets import DATASETS, Data, Part, Source
from paretoprune.models import MODELS
from paretoprune.problem import Problem, constant_loss, unit
from paretoprune.rounds import run_template
from paretoprune.run import Run
from paretoprune.settings import Settings


def problem(model: str = "mlp", prunable: str = "linear", images: int = 256) -> Problem:
    """The digits (twice their size for LeNets), with few training images."""
    data = DATASETS["digits"](source())
    parts = [few(data.train, images), few(data.validation, 144), few(data.test, 100)]
    if model.startswith("lenet5"):
        parts = [replace(part, images=twice(part.images)) for part in parts]
    data = Data(*parts, classes=10, white=16.0)
    build = MODELS[model]
    shift, scale = unit(data)
    return Problem(
        model=build,
        data=data,
        complexity=COMPLEXITIES["l1"],
        prunable=prunable_names(build(data.shape, 10), prunable),
        convolutions=weight_names(build(data.shape, 10), PRUNABLE["conv"]),
        constant_loss=constant_loss(data),
        seed=0,
        device=torch.device("cpu"),
        shift=shift,
        scale=scale,
    )


def source(data_dir: Path | None = None, validation: float = 0.1, seed: int = 0, **more) -> Source:
    """Where data come from; the digits need no folder."""
    return Source(data_dir=data_dir or Path(), validation=validation, seed=seed, **more)


def few(part: Part, images: int) -> Part:
    return Part(part.images[:images], part.labels[:images])


def twice(images: torch.Tensor) -> torch.Tensor:
    return images.repeat_interleave(2, 2).repeat_interleave(2, 3)


def run(**changes: object) -> Run:
    """A run of few steps."""
    settings = Settings(epochs=2, batch_size=32, learning_rate=1e-2)
    return replace(run_template(settings), **changes)
