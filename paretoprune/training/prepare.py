"""A problem made ready for training: its backend and its constant prediction are found."""

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
from paretoprune.study.settings import Settings
from paretoprune.study.validation import choose
from paretoprune.training.fleet import Fleet, stack
from paretoprune.training.fleet.select import choose_backend
from paretoprune.training.optimizers import OPTIMIZERS, SCHEDULES

CHECKED_SAMPLES = 8  # of the step that a backend must compute as the networks do


@dataclass(frozen=True)
class Prepared:
    """A problem with what its first step told.

    Attributes:
        problem: What is trained.
        backend: How fleets compute their forward pass, a key of `BACKENDS`.
        rejected: The backends before it in the table, each with the reason why it does not fit.
        constant: The best constant prediction, the outputs of one sample.
        constant_loss: Its validation loss.
        metric: What 1 - error is called.
        is_stacked: Optimizers see a fleet's networks as one tensor, as in the first studies.
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
    """Build what `settings` name, and take the first step with it.

    Raises:
        UsageError: A name is unknown, a combination does not fit, or there is no such device.
        CouldNotError: Data are missing, or memory is too small for two networks.
    """
    for name, table in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
        choose(getattr(settings, name), table, f"--{name}")
    prepared = prepare_problem(build_problem(settings, environment), settings)
    return replace(prepared, is_stacked=is_stacked)


def prepare_problem(problem: Problem, settings: Settings) -> Prepared:
    """Find the fastest backend that is right, and the best constant prediction.

    Raises as `prepare`, where the outputs do not fit the targets or the loss.
    """
    networks = [problem.network(seed).to(problem.device) for seed in (0, 1)]
    few = problem.data.train[:CHECKED_SAMPLES]
    backend, rejected = choose_backend(networks, problem.inputs(few.inputs))
    outputs = fleet_of(problem, [0], backend).forward(problem.inputs(few.inputs)).detach()
    require_fitting(problem, settings, outputs)
    problem.loss.value(outputs, few.targets)  # a user's own may raise
    constant = problem.loss.constant(problem.data.train.targets, outputs.shape[2:])
    is_share = problem.data.classes > 0 and list(outputs.shape[2:]) == [problem.data.classes]
    return Prepared(
        problem=problem,
        backend=backend,
        rejected=rejected,
        constant=constant,
        constant_loss=loss_of_constant(problem, settings, constant),
        metric=ACCURACY if is_share else problem.loss.quality,
    )


def fleet_of(problem: Problem, seeds: list[int], backend: str) -> Fleet:
    """Stack one new network per seed on the problem's device."""
    networks = [problem.network(seed).to(problem.device) for seed in seeds]
    return stack(networks, seeds, backend)


def require_fitting(problem: Problem, settings: Settings, outputs: Tensor) -> None:
    """Raise `UsageError` where outputs, [K, B, ...], do not fit the targets."""
    data, wanted, found = problem.data, problem.data.outputs, list(outputs.shape[2:])
    is_flat = math.prod(found) == wanted and (len(found) == 1 or not data.classes)
    if not is_flat and not is_user_code(settings.loss):
        what = f"{wanted} classes" if data.classes else f"targets of {wanted} numbers"
        raise UsageError(
            f"--model {settings.model} returns {found or 'a number'} for a sample, and the data "
            f"have {what}: make its last layer fit"
        )


def loss_of_constant(problem: Problem, settings: Settings, constant: Tensor) -> float:
    """Return the validation loss of a constant prediction, above 0.

    Raises `UsageError` where it is not.
    """
    validation = problem.data.validation
    whole = constant.expand(1, len(validation), *constant.shape)
    value = problem.loss.value(whole, validation.targets).double().mean().item()
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
