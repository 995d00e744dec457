"""Dry run of a sweep: one batch through the real step and back, and an estimate of the whole."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

import psutil
import torch

from paretoprune.errors import UsageError
from paretoprune.problem.device import is_full, training_process
from paretoprune.runner.request import SweepRequest
from paretoprune.runner.runs import run_template
from paretoprune.runner.setup import measure, new_budget
from paretoprune.study.run import Run
from paretoprune.study.settings import Plan, Settings
from paretoprune.training.evaluate import evaluate
from paretoprune.training.prepare import Prepared, prepare
from paretoprune.training.step import Training, begin, take_step

STEPS = 5  # that are timed, after one that is not
SAMPLES = 1000  # on which an evaluation is timed

# To find the fastest fleet size.
WARM_UP, STEPS_OF_A_PAIR, PAIRS = 1, 2, 3
MUCH_SLOWER = 1.1  # larger fleets are not tried then
WORTH = 0.95  # of the time of a smaller fleet, which finishes its runs sooner and needs less memory


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """What was found: `layers` are the prunable ones by name with their shapes, `unused` those of
    them that a batch gives no gradient, `others` weights that are not prunable.

    `path` is how fleets are trained, `refused` why not otherwise; `loss` and `complexity` are the
    objectives of the initial network on the training data, `step_loss` that of the first batch.
    `step_seconds` are those of a step for one network, in a fleet of `fleet_size`; `memory` bytes
    are in use then; `runs` of the whole sweep take about `sweep_seconds`.
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
    """Build the problem of a sweep, take a few steps of its fleet, and estimate the whole.

    Nothing is written. Raises what the sweep would raise before its first epoch.
    """
    with training_process():
        return tried(request)


def tried(request: SweepRequest) -> DryRun:
    """Try a request in a process that is set up."""
    settings = Settings.from_options(request.settings)
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
    data, own = problem.data, prepared.fleet([settings.seed]).parameters  # [1, *shape] each
    complexity = problem.complexity_of(own).item()
    runs = budget.max_runs * budget.repeats + budget.smgd
    return DryRun(
        plan=plan,
        samples={name: len(getattr(data, name)) for name in ("train", "validation", "test")},
        shapes=data.shapes,
        classes=data.classes,
        layers={name: tuple(own[name].shape[1:]) for name in problem.prunable},
        unused=unused,
        others=sum(one.numel() for one in own.values()) - plan.measured.prunable_weights,
        path=prepared.backend,
        refused=prepared.rejected,
        loss=plan.measured.lam_ref * complexity,
        complexity=complexity,
        step_loss=loss,
        fleet_size=size,
        fastest_fleet_size=size if budget.fleet else fastest_size(run, prepared, size),
        step_seconds=seconds,
        memory=bytes_used(problem.device),
        runs=runs,
        sweep_seconds=runs * settings.epochs * seconds_an_epoch(training, seconds),
    )


def seconds_an_epoch(training: Training, step: float) -> float:
    """Seconds of one network's epoch: its steps, and the validation after them."""
    data, size = training.problem.data, len(training.runs)
    some = data.validation[:SAMPLES]
    started = time.perf_counter()
    evaluate(training.fleet, training.prepared, some).loss.tolist()
    evaluation = (time.perf_counter() - started) / len(some) * len(data.validation) / size
    return math.ceil(len(data.train) / training.runs[0].batch_size) * step + evaluation


def fastest_size(run: Run, prepared: Prepared, largest: int) -> int:
    """The size K <= `largest` of fleets in which a network's step takes least time.

    Sizes double from 1 on. Each is timed in turn with the best so far, which it replaces where it
    is worth its memory; the next is tried while this one is not much slower and memory leaves
    room for it.
    """
    best, fleet = 1, begin([run], prepared)
    for size in _doubling(largest):
        try:
            larger = begin(copies(run, size), prepared)
            ratio = _time_ratio(larger, fleet)
        except Exception as error:
            if is_full(error):
                break
            raise
        if ratio > MUCH_SLOWER:
            break
        if ratio < WORTH:
            best, fleet = size, larger
    return best


def bytes_used(device: torch.device) -> int:
    """Bytes in use, those included that a step needed for a while."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated()
    return int(psutil.Process().memory_info().rss)


def _doubling(largest: int) -> Iterator[int]:
    size = 2
    while size <= largest:
        yield size
        size *= 2


def copies(run: Run, size: int) -> Sequence[Run]:
    """The same run with as many seeds."""
    return [replace(run, seed=run.seed + number) for number in range(size)]


def _time_ratio(larger: Training, fleet: Training) -> float:
    """The time of a network's step in one fleet over that in another, the median of pairs."""
    for training in (larger, fleet):
        seconds_a_step(training, WARM_UP)
    pairs = [
        (seconds_a_step(larger, STEPS_OF_A_PAIR), seconds_a_step(fleet, STEPS_OF_A_PAIR))
        for _ in range(PAIRS)
    ]
    return median(one / other for one, other in pairs)


def seconds_a_step(training: Training, steps: int) -> float:
    """Seconds that some steps take, for each network."""
    problem, batch_size = training.problem, training.runs[0].batch_size
    batch, data = problem.order(0)[:batch_size], problem.data.train
    started = time.perf_counter()
    for _ in range(steps):
        take_step(training, data[batch], 1.0)
    if problem.device.type == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - started) / len(training.runs)
