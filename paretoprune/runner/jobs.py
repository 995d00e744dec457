"""Jobs: the fleets in training, their progress and their results."""

import math
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from paretoprune.errors import ClusterError, CorruptStudyError
from paretoprune.problem.device import is_full
from paretoprune.problem.problem import misfits
from paretoprune.runner.checkpointing import CheckpointPolicy
from paretoprune.runner.events import EventHandler, Progress
from paretoprune.runner.executors.executor import Executor, Reporter, TimeIsUp
from paretoprune.runner.rounds import Round
from paretoprune.study import storage
from paretoprune.study.run import Point, Run
from paretoprune.training.outcome import Outcome
from paretoprune.training.prepare import Prepared
from paretoprune.training.step import Starts
from paretoprune.training.train import train_fleet

JobStatus = Literal["trained", "kept", "full", "broken"]


@dataclass(eq=False)
class Job:
    """A submitted fleet; it counts as in training from its first report on.

    Attributes:
        fleet: The runs of the fleet.
        future: The outcomes of the runs, available when the fleet is done.
        step: Number of steps that are done.
        steps: Total number of steps.
        first: Step and time (`time.monotonic`) of the first report.
    """

    fleet: Round
    future: Future[list[Outcome]] = field(default_factory=Future)
    step: int = 0
    steps: int = 1
    first: tuple[int, float] | None = None  # step and time of the first report

    def progressed(self, step: int, steps: int) -> None:
        """Record the progress of the fleet.

        If the fleet is trained again from an earlier step, this report becomes the first one.
        """
        if self.first is None or step < self.step:
            self.first = (step, time.monotonic())
        self.step, self.steps = step, steps

    @property
    def done(self) -> float:
        """Number of networks to which the completed steps are equivalent, a fraction included."""
        return len(self.fleet.runs) * self.step / self.steps

    @property
    def rate(self) -> float:
        """Networks per second since the first report; 0 before the second report."""
        if self.first is None or self.step == self.first[0]:
            return 0.0
        step, since = self.first
        share = (self.step - step) / self.steps
        # a clock may tick rarely, such as every 16 ms on Windows
        return len(self.fleet.runs) * share / max(time.monotonic() - since, 1e-9)


@dataclass(frozen=True)
class JobResult:
    """The result of a fleet.

    Attributes:
        fleet: The runs of the fleet.
        status: `trained`; `kept` if it is to be continued in another call; `full` if memory was too
            small for it, but perhaps not for half of it; `broken` if an error ends the sweep.
        outcomes: The outcomes of the runs; empty unless the fleet was trained.
        logs: Tracebacks of failed runs by run id.
        error: The error that ends the sweep; `None` unless the status is `broken`.
    """

    fleet: Round
    status: JobStatus = "trained"
    outcomes: Sequence[Outcome] = ()
    logs: dict[str, str] = field(default_factory=dict)
    error: Exception | None = None

    @property
    def is_successful(self) -> bool:
        """Whether all outcomes have the status `done`."""
        return all(outcome.point.status == "done" for outcome in self.outcomes)


class JobPool:
    """The submitted fleets of a problem, wherever the executor trains them.

    At the end of a `with` statement, fleets that are not done are cancelled.

    Args:
        folder: The folder of the study.
        prepared: The problem of the study.
        executor: Trains the fleets.
        watch: Receives the progress of the fleets and notes for the user.
        deadline: End of the time budget by `time.time`; infinite if there is none.
        total: Number of runs of the whole sweep.

    Attributes:
        jobs: The submitted fleets that have not been returned by `wait`, in order of submission.
        done: Number of runs of the sweep that are stored.
        total: Number of runs of the whole sweep.
        starts: Weights by name, for each run from which a submitted run starts.
    """

    def __init__(
        self,
        folder: Path,
        prepared: Prepared,
        executor: Executor,
        watch: EventHandler,
        deadline: float,
        total: int = 0,
    ) -> None:
        self.folder, self.prepared, self.executor = folder, prepared, executor
        self.watch, self.deadline = watch, deadline
        self.jobs: list[Job] = []
        self.done, self.total = 0, total
        self.starts: dict[str, dict[str, np.ndarray]] = {}

    def __enter__(self) -> "JobPool":
        return self

    def __exit__(self, *exception: object) -> None:
        self.executor.cancel([job.future for job in self.jobs])

    @property
    def runs(self) -> list[Run]:
        """The runs of the submitted fleets."""
        return [run for job in self.jobs for run in job.fleet.runs]

    def submit(self, fleet: Round) -> None:
        """Submit a fleet, which is a round or a part of one."""
        job, runs = Job(fleet), fleet.runs
        checkpointer = CheckpointPolicy(self.folder, runs, self.watch, self.deadline)
        self.jobs.append(job)
        report = Reporter(partial(self.report, job))
        try:
            starts = self.starts_of(runs)
        except CorruptStudyError as error:
            job.future.set_exception(error)
            return
        job.future = self.executor.submit(
            train_fleet, runs, self.prepared, report, checkpointer, starts
        )

    def starts_of(self, runs: Sequence[Run]) -> Starts:
        """Return the weights of the runs from which a fleet starts.

        Raises `CorruptStudyError` if they cannot be read, or do not fit the model.
        """
        needed = {run.parent for run in runs if run.parent is not None}
        for run_id in needed - self.starts.keys():
            self.starts[run_id] = storage.read_weights(self.folder, run_id)
            network = self.prepared.problem.network(self.prepared.problem.seed)
            tensors = {name: torch.from_numpy(a) for name, a in self.starts[run_id].items()}
            if reasons := misfits(network, tensors):
                raise CorruptStudyError(
                    f"{storage.weights_path(self.folder, run_id)}, from which runs start, does not "
                    f"fit the model ({reasons[0]}): restore it, or delete it to train it again"
                )
        return Starts({run_id: self.starts[run_id] for run_id in sorted(needed)})

    def wait(self) -> list[JobResult]:
        """Wait until at least one fleet is done, and return the results of all that are."""
        done = self.executor.wait([job.future for job in self.jobs])
        finished = [job for job in self.jobs if job.future in done]
        self.jobs = [job for job in self.jobs if job.future not in done]
        return [result_of(job) for job in finished]

    def report(self, job: Job, step: int, steps: int) -> None:
        """Send the progress of a fleet as an event, with the time left at the current rate."""
        job.progressed(step, steps)
        training = [other for other in self.jobs if other.first]
        rate = sum(other.rate for other in training)
        done = self.done + sum(other.done for other in training)
        self.watch(
            Progress(
                round=job.fleet.number,
                lams=tuple(run.lam for run in job.fleet.runs),
                step=step,
                steps=steps,
                epochs=job.fleet.runs[0].epochs,
                runs_done=done,
                runs_total=self.total,
                seconds_left=(self.total - done) / rate if rate else math.inf,
                fleets=len(training),
                waiting=len(self.jobs) - len(training),
                nodes=self.executor.nodes,
                runs_an_hour=3600 * rate,
                method=job.fleet.runs[0].method,
                role=job.fleet.role,
            )
        )


def result_of(job: Job) -> JobResult:
    """Return the result of a fleet.

    Exceptions other than those of `JobResult.status` become failed points, each with its traceback.
    """
    result = partial(JobResult, job.fleet)
    try:
        return result(outcomes=job.future.result())
    except TimeIsUp:
        return result("kept")
    except (CorruptStudyError, ClusterError) as error:
        return result("broken", error=error)
    except Exception as error:
        if is_full(error) and len(job.fleet.runs) > 1:
            return result("full")
        failure = f"{type(error).__name__}: {error}"
        runs, log = job.fleet.runs, traceback.format_exc()
        points = [Point(run=run, status="failed", failure=failure) for run in runs]
        return result(
            outcomes=[Outcome(point, {}, {}) for point in points],
            logs={run.id: log for run in runs},
        )
