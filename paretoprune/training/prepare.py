"""Preparation of a problem for training: choice of the backend, and the constant prediction."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from paretoprune.errors import UsageError
from paretoprune.problem.build import Environment, build_problem
from paretoprune.problem.problem import Problem
from paretoprune.study.dataset_ref import is_user_code
from paretoprune.study.metric import ACCURACY
from paretoprune.study.options import choose
from paretoprune.study.settings import Settings
from paretoprune.training.fleet import Fleet, stack
from paretoprune.training.fleet.select import choose_backend
from paretoprune.training.optimizers import OPTIMIZERS, SCHEDULES

CHECKED_SAMPLES = 8  # samples of the training step with which backends are checked


@dataclass(frozen=True)
class Prepared:
    """A problem that is ready for training.

    Attributes:
        problem: The problem.
        backend: Backend of the fleets' forward pass, a key of `BACKENDS`.
        rejected: The backends that precede it in `BACKENDS`, each with the reason why it was
            rejected.
        constant: The best constant prediction: the outputs for one sample.
        constant_loss: Validation loss of the best constant prediction.
        metric: Name of 1 - error.
        is_stacked: Whether optimizers get the networks of a fleet as one tensor, as in the studies
            of the first versions.
    """

    problem: Problem
    backend: str
    rejected: Mapping[str, str]
    constant: Tensor
    constant_loss: float
    metric: str
    is_stacked: bool = False

    def to(self, device: torch.device) -> "Prepared":
        """Return the same on another device."""
        return replace(self, problem=self.problem.to(device), constant=self.constant.to(device))

    def fleet(self, seeds: list[int]) -> Fleet:
        """Stack one new network per seed on the device."""
        return fleet_of(self.problem, seeds, self.backend)


def prepare(settings: Settings, environment: Environment, *, is_stacked: bool = False) -> Prepared:
    """Build the problem that the settings name, and prepare it for training.

    Args:
        settings: Settings of the study.
        environment: What the machine or the program adds to the settings.
        is_stacked: See `Prepared`.

    Raises:
        UsageError: If a name is unknown, if a combination does not fit, or if there is no such
            device.
        CouldNotError: If data are missing, or if memory is too small for two networks.
    """
    for name, table in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
        choose(getattr(settings, name), table, f"--{name}")
    prepared = prepare_problem(build_problem(settings, environment), settings)
    return replace(prepared, is_stacked=is_stacked)


def prepare_problem(problem: Problem, settings: Settings) -> Prepared:
    """Choose the backend and compute the best constant prediction.

    Raises:
        UsageError: If the networks cannot be trained, or if their outputs do not fit the targets or
            the loss.
        CouldNotError: If memory is too small for two networks.
    """
    networks = [problem.network(seed).to(problem.device) for seed in (0, 1)]
    few = problem.data.train[:CHECKED_SAMPLES]
    backend, rejected = choose_backend(networks, problem.inputs(few.inputs))
    outputs = fleet_of(problem, [0], backend).forward(problem.inputs(few.inputs)).detach()
    require_fitting(problem, settings, outputs)
    problem.loss.value(outputs, few.targets)  # a user's loss may raise
    constant = problem.loss.constant(problem.data.train.targets, outputs.shape[2:])
    is_share = problem.data.classes > 0 and list(outputs.shape[2:]) == [problem.data.classes]
    return Prepared(
        problem=problem,
        backend=backend,
        rejected=rejected,
        constant=constant,
        constant_loss=loss_of_constant(problem, settings, constant),
        metric=ACCURACY if is_share else problem.loss.metric,
    )


def fleet_of(problem: Problem, seeds: list[int], backend: str) -> Fleet:
    """Stack one new network per seed on the problem's device."""
    networks = [problem.network(seed).to(problem.device) for seed in seeds]
    return stack(networks, seeds, backend)


def require_fitting(problem: Problem, settings: Settings, outputs: Tensor) -> None:
    """Raise `UsageError` if the outputs [K, B, ...] do not fit the targets.

    A user's loss may take outputs of any shape.
    """
    data, wanted, found = problem.data, problem.data.outputs, list(outputs.shape[2:])
    is_flat = math.prod(found) == wanted and (len(found) == 1 or not data.classes)
    if not is_flat and not is_user_code(settings.loss):
        targets = f"{wanted} classes" if data.classes else f"targets of {wanted} numbers"
        raise UsageError(
            f"--model {settings.model} returns {found or 'a number'} for a sample, and the data "
            f"have {targets}: make its last layer fit"
        )


def loss_of_constant(problem: Problem, settings: Settings, constant: Tensor) -> float:
    """Return the validation loss of a constant prediction.

    Raises `UsageError` unless it is finite and above 0.
    """
    validation = problem.data.validation
    predictions = constant.expand(1, len(validation), *constant.shape)
    value = problem.loss.value(predictions, validation.targets).double().mean().item()
    if not math.isfinite(value) and problem.data.classes:
        raise UsageError(
            "a class has validation samples and no training samples: take a smaller --validation, "
            "or other data"
        )
    if not 0 < value < math.inf:
        raise UsageError(
            f"--loss {settings.loss} of the best constant prediction is {value:.3g}: it must be a "
            "number above 0, so add what makes it so, or take data whose targets differ"
        )
    return value
