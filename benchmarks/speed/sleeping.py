"""A cluster whose workers sleep instead of training: for `benchmarks.speed.cluster`."""

import math
import random
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import ray

from benchmarks.speed.nap import Nap, sleep
from benchmarks.speed.synthetic import SETTINGS, Shapes, network, plan_of, point_of
from paretoprune.runner.events import Event
from paretoprune.runner.executors.ray import RayConfig
from paretoprune.runner.executors.ray.ray_executor import RayExecutor
from paretoprune.runner.jobs import JobPool
from paretoprune.runner.loop import Loop
from paretoprune.runner.request import SweepRequest
from paretoprune.study import storage
from paretoprune.study.plan import Budget, Plan
from paretoprune.study.run import Run
from paretoprune.training.outcome import Outcome

EPOCHS = SETTINGS.epochs
LATE = 0.8  # of the points, after which the coordinator's time counts
SEEDS = 10  # of each lam: a thousand lams on one front would be the same but for noise


@dataclass
class Coordinator:
    """What the coordinator does between two waits: seconds, and points in the table by then."""

    seconds: list[float] = field(default_factory=list)
    points: list[int] = field(default_factory=list)


class SleepingExecutor(RayExecutor):
    """Sleeps one of the measured durations for each fleet; its points lie on a known front."""

    def __init__(self, durations: Sequence[float], shapes: Shapes, weights: Any) -> None:
        super().__init__(RayConfig(gpus_per_fleet=0.0), "cpu", lambda event: None)
        self.task = ray.remote(num_cpus=1, max_calls=0)(sleep)
        self.durations, self.shapes, self.weights = durations, shapes, weights
        self.draws, self.naps, self.landed = random.Random(0), list[Nap](), 0
        self.work, self.left = Coordinator(), time.perf_counter()
        self.runs: dict[Any, Sequence[Run]] = {}  # by task

    def submit(
        self, task: Any, runs: Any, problem: Any, report: Any, checkpointer: Any
    ) -> Future[Any]:
        """Send a worker to sleep."""
        future: Future[Any] = Future()
        number = next(self.numbers)
        sleeping = self.task.remote(self.draws.choice(self.durations), [self.weights] * len(runs))
        self.pending[sleeping], self.reports[number] = (future, number), report
        self.runs[sleeping] = runs
        return future

    def wait(self, futures: Any) -> set[Future[Any]]:
        """As the cluster's, with the time that the coordinator took since the last one."""
        self.work.seconds.append(time.perf_counter() - self.left)
        self.work.points.append(self.landed)
        done = super().wait(futures)
        self.left = time.perf_counter()
        return done

    def land(self, task: Any) -> Future[Any]:
        """Outcomes as a training hands them over."""
        (future, number), runs = self.pending.pop(task), self.runs.pop(task)
        del self.reports[number]
        nap, weights = ray.get(task)
        self.landed += len(runs)
        self.naps.append(nap)
        epochs = [float(epoch) for epoch in range(1, EPOCHS + 1)]
        history = dict.fromkeys(storage.HISTORY.names, epochs)
        points = [replace(point_of(run, self.shapes, 0.0), fleet_size=len(runs)) for run in runs]
        outcomes = zip(points, weights, strict=True)
        future.set_result([Outcome(point, own, history) for point, own in outcomes])
        return future


@dataclass(frozen=True)
class Slept:
    """A sweep of sleeping workers: how busy they were, and what the coordinator did."""

    busy: float  # share of the workers' time, from the first nap to the last fleet's end
    steady: float  # the same before the first worker finds nothing more to do
    points: int
    seconds: float
    ms_a_point: float  # of the last fifth of the points, the fetching of results left out


def sweep_asleep(
    folder: Path, workers: int, durations: Sequence[float], points: int, size: int, is_async: bool
) -> Slept:
    """A sweep of so many points in fleets of `size`, on a cluster that ends with it."""
    weights, shapes = network()
    plan = plan_for(shapes, points, size, workers * size)
    folder.mkdir()
    storage.write_plan(folder, plan)
    executor = SleepingExecutor(durations, shapes, weights)
    ready(workers)
    events: list[Event] = []
    fleet = JobPool(folder, None, executor, events.append, math.inf)  # type: ignore[arg-type]
    request = SweepRequest(folder=folder, is_async=is_async)
    began = time.time()
    Loop(folder, plan, request, executor, fleet, events.append, set()).run()
    return outcome(executor, workers, size, time.time() - began)


def plan_for(shapes: Shapes, points: int, size: int, round_size: int) -> Plan:
    """A plan whose search goes on to the last point, with rounds that fill the cluster."""
    plan = plan_of(shapes)
    settings = replace(plan.settings, round_size=min(max(round_size // SEEDS, 2), 1000))
    lams = max(points // SEEDS, 2)
    budget = Budget(max_runs=lams, repeats=SEEDS, fleet=size, tolerance=0.0)
    return replace(plan, settings=settings, budget=budget)


def ready(workers: int) -> None:
    """Wait until that many processes have been started."""
    task = ray.remote(num_cpus=1)(sleep)
    ray.get([task.remote(5.0, []) for _ in range(workers)])


def outcome(executor: SleepingExecutor, workers: int, size: int, seconds: float) -> Slept:
    """Shares and means of what was noted."""
    naps, work = executor.naps, executor.work
    begun, ended = min(nap.begun for nap in naps), max(nap.ended for nap in naps)
    last = max(nap.begun for nap in naps)  # from here on there is nothing more to hand out
    asleep = sum(nap.ended - nap.begun for nap in naps)
    steady = sum(max(min(nap.ended, last) - nap.begun, 0) for nap in naps)
    late = [
        took
        for took, points in zip(work.seconds, work.points, strict=True)
        if points > LATE * executor.landed
    ]
    return Slept(
        busy=asleep / (workers * (ended - begun)),
        steady=steady / (workers * (last - begun)) if last > begun else 1.0,
        points=size * len(naps),
        seconds=seconds,
        ms_a_point=1000 * sum(late) / ((1 - LATE) * executor.landed),
    )
