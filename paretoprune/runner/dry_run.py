"""Dry run of a sweep: a few real training steps, and an estimate of the whole sweep."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

import psutil
import torch

from paretoprune.errors import UsageError
from paretoprune.problem.device import training_process
from paretoprune.runner.request import SweepRequest
from paretoprune.runner.runs import comparison_runs, has_search, run_template, trunk_runs
from paretoprune.runner.setup import measure, new_budget, new_settings
from paretoprune.study.plan import Plan
from paretoprune.study.run import Run
from paretoprune.training.evaluate import evaluate
from paretoprune.training.prepare import Prepared, prepare
from paretoprune.training.step import Training, begin, take_step

STEPS = 5  # number of timed steps, after one that is not timed
SAMPLES = 1000  # number of samples on which an evaluation is timed

# Search for the fastest fleet size.
WARM_UP, STEPS_OF_A_PAIR, PAIRS = 1, 2, 3  # steps before the pairs, steps in each half, pairs
MUCH_SLOWER = 1.1  # ratio of times above which smaller fleets are not tried
WORTH = 0.95  # ratio of times below which a smaller fleet is called faster


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """Result of a dry run.

    Attributes:
        plan: The plan that the sweep would have.
        samples: Number of samples by split: `train`, `validation` and `test`.
        shapes: Shape of one sample of each input of the network.
        classes: Number of classes; 0 if targets are numbers.
        layers: Shape of each prunable weight tensor, by name.
        unused: Names of the prunable weight tensors that get no gradient from a batch.
        others: Number of parameters of one network that are not prunable.
        path: Backend of the fleets, a key of `BACKENDS`.
        refused: Backends that come before it in the table, each with the reason why it does not
            fit.
        loss: Loss of the initial network on the training data.
        complexity: Complexity of the initial network.
        step_loss: Loss of the initial network, pruned once, on the first batch.
        fleet_size: Number K of networks that are trained together.
        fastest_fleet_size: Fleet size, at most `fleet_size`, with the fastest steps; `fleet_size`
            itself if `--fleet` is given.
        step_seconds: Seconds of a step per network, in a fleet of `fleet_size`.
        memory: Memory in bytes, see `bytes_used`.
        runs: Number of runs of the whole sweep.
        sweep_seconds: Estimated seconds of the whole sweep.
    """

    plan: Plan
    samples: Mapping[str, int]
    shapes: tuple[tuple[int, ...], ...]
    classes: int
    layers: Mapping[str, tuple[int, ...]]
    unused: tuple[str, ...]
    others: int
    path: str
    refused: Mapping[str, str]
    loss: float
    complexity: float
    step_loss: float
    fleet_size: int
    fastest_fleet_size: int
    step_seconds: float
    memory: int
    runs: int
    sweep_seconds: float


def check(request: SweepRequest) -> DryRun:
    """Build the problem of a sweep, take a few steps with a fleet, and estimate the duration.

    Nothing is written to a study. `request.folder` is not read.

    Raises:
        UsageError: If the options are wrong, or the loss of the first batch is not finite.
        CouldNotError: If data are missing, or memory is too small for two networks.
    """
    with training_process():
        return try_request(request)


def try_request(request: SweepRequest) -> DryRun:
    """Carry out a dry run in a process that is set up for training."""
    settings = new_settings(request)
    budget = new_budget(settings, request)
    prepared = prepare(settings, request.environment_of(settings))
    problem = prepared.problem
    plan = Plan(settings=settings, budget=budget, measured=measure(prepared, settings))
    size, run = plan.fleet_size, run_template(settings)
    training = begin(copies(run, size), prepared)
    first = problem.data.train[problem.order(0)[: settings.batch_size]]
    loss = take_step(training, first, 1.0)[0][0].item()
    if not math.isfinite(loss):
        raise UsageError(f"the loss of the first batch is {loss}: scale the inputs, or the weights")
    unused = tuple(n for n in problem.prunable if training.fleet.parameters[n].grad is None)
    seconds = median(seconds_a_step(training, 1) for _ in range(STEPS))
    memory = bytes_used(problem.device)  # before other fleets are timed
    data, parameters = problem.data, prepared.fleet([settings.seed]).parameters  # [1, *shape] each
    complexity = problem.complexity_of(parameters).item()
    searched = budget.max_runs * budget.repeats if has_search(plan) else 0
    runs = searched + len(comparison_runs(plan)) + len(trunk_runs(plan))
    return DryRun(
        plan=plan,
        samples={name: len(getattr(data, name)) for name in ("train", "validation", "test")},
        shapes=data.shapes,
        classes=data.classes,
        layers={name: tuple(parameters[name].shape[1:]) for name in problem.prunable},
        unused=unused,
        others=sum(p.numel() for p in parameters.values()) - plan.measured.prunable_weights,
        path=prepared.backend,
        refused=prepared.rejected,
        loss=plan.measured.lam_ref * complexity,
        complexity=complexity,
        step_loss=loss,
        fleet_size=size,
        fastest_fleet_size=size if budget.fleet else fastest_size(run, prepared, size),
        step_seconds=seconds,
        memory=memory,
        runs=runs,
        sweep_seconds=runs * settings.epochs * seconds_an_epoch(training, seconds),
    )


def seconds_an_epoch(training: Training, step: float) -> float:
    """Return the estimated seconds of an epoch per network: its steps and the validation.

    `step` is the duration of a step per network, in seconds.
    """
    data, size = training.problem.data, len(training.runs)
    samples = data.validation[:SAMPLES]
    started = time.perf_counter()
    evaluate(training.fleet, training.prepared, samples).loss.tolist()
    evaluation = (time.perf_counter() - started) / len(samples) * len(data.validation) / size
    return math.ceil(len(data.train) / training.runs[0].batch_size) * step + evaluation


def fastest_size(run: Run, prepared: Prepared, largest: int) -> int:
    """Return the fleet size K <= `largest` with the shortest step per network.

    `largest` is halved again and again. Each size is compared with the best one so far, and
    replaces it if the ratio of their times is below `WORTH`. The search ends at a ratio above
    `MUCH_SLOWER`.
    """
    best, fleet, size = largest, begin(copies(run, largest), prepared), largest // 2
    while size:
        smaller = begin(copies(run, size), prepared)
        ratio = _time_ratio(smaller, fleet)
        if ratio > MUCH_SLOWER:
            break
        if ratio < WORTH:
            best, fleet = size, smaller
        size //= 2
    return best


def bytes_used(device: torch.device) -> int:
    """Return the peak of the allocated bytes on a GPU, or the resident bytes of the process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated()
    return int(psutil.Process().memory_info().rss)


def copies(run: Run, size: int) -> Sequence[Run]:
    """Return a fleet of `size` copies of a run with consecutive seeds."""
    return [replace(run, seed=run.seed + number) for number in range(size)]


def _time_ratio(smaller: Training, fleet: Training) -> float:
    """Return the ratio of the seconds per step and network of two fleets, the median of pairs."""
    for training in (smaller, fleet):
        seconds_a_step(training, WARM_UP)
    pairs = [
        (seconds_a_step(smaller, STEPS_OF_A_PAIR), seconds_a_step(fleet, STEPS_OF_A_PAIR))
        for _ in range(PAIRS)
    ]
    return median(first / second for first, second in pairs)


def seconds_a_step(training: Training, steps: int) -> float:
    """Return the seconds that `steps` steps of a fleet take, divided by its size."""
    problem, batch_size = training.problem, training.runs[0].batch_size
    batch, data = problem.order(0)[:batch_size], problem.data.train
    started = time.perf_counter()
    for _ in range(steps):
        take_step(training, data[batch], 1.0)
    if problem.device.type == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - started) / len(training.runs)
