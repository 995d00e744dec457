"""Fleet size: how many networks to train together, from a short timing of real steps."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import median

import psutil
import torch

from paretoprune.problem.device import is_full
from paretoprune.study.run import Run
from paretoprune.training.prepare import Prepared
from paretoprune.training.step import Training, begin, take_step
from paretoprune.training.train import Report

WARM_UP, STEPS, PAIRS = 1, 2, 3
MUCH_SLOWER = 1.1  # larger fleets are not tried then
WORTH = 0.95  # of the time of a smaller fleet, which finishes its runs sooner and needs less memory
SHARE_OF_MEMORY = 0.5


def timed(
    runs: Sequence[Run], prepared: Prepared, report: Report, keeper: object, *, largest: int
) -> int:
    """The task of an executor that is `fastest_size`."""
    return fastest_size(runs[0], prepared, largest)


def fastest_size(run: Run, prepared: Prepared, largest: int) -> int:
    """The size K <= `largest` of fleets in which a network's step takes least time.

    Sizes double from 1 on. Each is timed in turn with the best so far, which it replaces where it
    is worth its memory; the next is tried while this one is not much slower and memory leaves
    room for it.
    """
    device, best = prepared.problem.device, 1
    used = bytes_used(device)
    try:
        fleet = begin([run], prepared)
        seconds_a_step(fleet, WARM_UP)
    except Exception:  # the run itself will fail so, and keep its log
        return best
    for size in _doubling(largest):
        if 2 * (bytes_used(device) - used) > SHARE_OF_MEMORY * _free(device):
            break
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


def _free(device: torch.device) -> int:
    """Bytes that are free."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info()[0]
    return int(psutil.virtual_memory().available)


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
    pairs = [(seconds_a_step(larger, STEPS), seconds_a_step(fleet, STEPS)) for _ in range(PAIRS)]
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
