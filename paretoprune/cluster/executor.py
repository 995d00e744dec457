"""Fleets as Ray tasks: Ray places them, and trains them again elsewhere where a worker dies."""

import contextlib
import itertools
import math
import socket
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pickle import PicklingError
from typing import Any, TypeVar

import ray
from ray.exceptions import (
    GetTimeoutError,
    OutOfMemoryError,
    RayError,
    RayTaskError,
    RuntimeEnvSetupError,
)
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from paretoprune.cluster import Cluster
from paretoprune.cluster.mailbox import Mail, Mailbox, Post
from paretoprune.cluster.worker import ClusterError, Here, work
from paretoprune.errors import UsageError
from paretoprune.files import first_line
from paretoprune.keeper import FleetKeeper
from paretoprune.problem import Problem
from paretoprune.progress import Note, Watch, plural
from paretoprune.run import Run
from paretoprune.train import Report

T = TypeVar("T")

POLL = 0.5  # seconds: how often the mailbox is emptied
# Others that end soon after the first are recorded with it: seconds for each place, and at most.
GRACE, MOST_GRACE = 0.05, 5.0
LOOK = 2.0  # seconds for which the list of nodes is good
PROMPT = 5.0  # seconds, in which the mailbox should answer
PATIENCE = 30.0  # seconds without a head, which Ray itself survives for 60


class WorkerDied(Exception):
    """The worker of a fleet died, and so did those that trained it again."""


class RayExecutor:
    """Calls functions of fleets as tasks of a Ray cluster that is connected.

    The problem is in the object store once; workers keep their copy from fleet to fleet. A guest
    uses the connection of a program that goes on.
    """

    at_once = math.inf  # Ray has the queue, and sees what to grow for

    def __init__(
        self, cluster: Cluster, device: str, watch: Watch, *, is_guest: bool = False
    ) -> None:
        self.cluster, self.device, self.watch, self.is_guest = cluster, device, watch, is_guest
        self.head = ray.get_runtime_context().gcs_address
        self.answered, self.looked = time.monotonic(), -math.inf
        self.alive: list[dict[str, Any]] = []
        self.gpus = 0.0 if device == "cpu" else cluster.gpus_per_fleet
        if self.gpus is None:
            self.gpus = float(any(one["Resources"].get("GPU") for one in self.present()))
        here = ray.get_runtime_context().get_node_id()
        (own,) = (one for one in self.present() if one["NodeID"] == here)
        self.own_node = f"{own['NodeManagerAddress']}:{own['NodeManagerPort']}"
        self.mailbox: Any = (
            ray.remote(Mailbox)
            .options(
                num_cpus=0,
                max_restarts=-1,
                max_task_retries=-1,
                scheduling_strategy=NodeAffinitySchedulingStrategy(here, soft=False),
            )
            .remote()
        )
        # without max_calls a worker ends with its fleet, where that had a GPU
        self.task: Any = ray.remote(
            num_cpus=cluster.cpus_per_fleet,
            num_gpus=self.gpus,
            max_retries=cluster.retries,
            max_calls=0,
        )(work)
        self.numbers = itertools.count()
        self.pending: dict[Any, tuple[Future[Any], int]] = {}  # by task
        self.reports: dict[int, Report] = {}
        self.begun: set[int] = set()
        self.shared: tuple[Problem, Any] | None = None

    def present(self) -> list[dict[str, Any]]:
        """The nodes that are alive, as Ray describes them; those of a moment ago without a head."""
        now = time.monotonic()
        if now - self.looked > LOOK and answers(self.head):
            nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
            self.alive, self.looked = [one for one in nodes if one["Alive"]], now
        return self.alive

    @property
    def nodes(self) -> int:
        """The machines of the cluster."""
        return len(self.present())

    @property
    def slots(self) -> int:
        """How many fleets have room at a time, were they alone."""
        wanted = {"CPU": self.cluster.cpus_per_fleet, "GPU": self.gpus}
        return sum(
            min(int(one["Resources"].get(name, 0.0) / n) for name, n in wanted.items() if n)
            for one in self.present()
        )

    def submit(
        self,
        fn: Callable[..., T],
        runs: Sequence[Run],
        problem: Problem,
        report: Report,
        keeper: FleetKeeper | None,
    ) -> Future[T]:
        """Have `fn` called on a worker."""
        number, future = next(self.numbers), Future[T]()
        post = Post(self.mailbox, number)
        if keeper is not None:
            keeper = replace(
                keeper,
                folder=keeper.folder.absolute(),
                watch=post.note,
                read=post.read,
                write=post.write,
            )
        self.reports[number] = report
        task = self.task.remote(fn, runs, self.here(problem), post, keeper)
        self.pending[task] = future, number
        return future

    def here(self, problem: Problem) -> Here:
        """What workers need to know; puts the problem into the object store, once."""
        if self.shared is None or self.shared[0] is not problem:
            try:
                self.shared = problem, ray.put(problem)
            except RayError as error:
                raise ClusterError(f"the data cannot be sent: {first_line(error)}") from error
            except (TypeError, PicklingError) as error:
                raise UsageError(
                    "the model or the loss cannot be sent to the workers; make it a function of a "
                    f"module ({first_line(error)})"
                ) from error
        device = self.device if self.gpus else "cpu"
        return Here((self.shared[1],), device, self.cluster.cpus_per_fleet)

    def wait(self, futures: Collection[Future[Any]]) -> set[Future[Any]]:
        """Wait until at least one is done, and pass on what comes in meanwhile.

        Raises `ClusterError` where the cluster is gone, or cannot work for us at all.
        """
        ready: list[Any] = []
        grace = min(GRACE * self.slots, MOST_GRACE)
        while not ready:
            self.require_cluster()
            self.empty_mailbox()
            tasks = list(self.pending)
            if ray.wait(tasks, timeout=POLL, fetch_local=False)[0]:
                ready, _ = ray.wait(tasks, num_returns=len(tasks), timeout=grace, fetch_local=False)
        self.require_cluster()
        self.empty_mailbox()
        return {self.land(task) for task in ready}

    def land(self, task: Any) -> Future[Any]:
        """Put what became of a task into its future."""
        future, number = self.pending.pop(task)
        del self.reports[number]
        try:
            future.set_result(ray.get(task))
        except RayTaskError as error:
            if isinstance(error.cause, ClusterError):
                raise error.cause from error
            error.cause.__cause__ = error  # whose text is the worker's traceback
            future.set_exception(error.cause)
        except OutOfMemoryError as error:
            future.set_exception(MemoryError(first_line(error)))
        except RuntimeEnvSetupError as error:
            raise ClusterError(f"the workers cannot be set up: {first_line(error)}") from error
        except RayError as error:
            times = plural(self.cluster.retries + 1, "time")
            future.set_exception(WorkerDied(f"{times}: {first_line(error)}"))
        return future

    def empty_mailbox(self) -> None:
        """Pass on what the fleets told."""
        mail = Mail()
        with contextlib.suppress(GetTimeoutError, RayError):  # it may be starting, or its node dead
            mail = ray.get(self.mailbox.empty.remote(), timeout=PROMPT)
        for text in mail.notes:
            self.watch(Note(text=text))
        for number, host in mail.begun:
            if number in self.begun and number in self.reports:
                self.watch(Note(text=f"a worker died: its fleet is trained again, on {host}"))
            self.begun.add(number)
        for number, (step, steps) in mail.steps.items():
            if number in self.reports:
                self.reports[number](step, steps)

    def require_cluster(self) -> None:
        """Raise `ClusterError` where the cluster is gone.

        Ray would end this process without a word: at once where it has lost the object store of its
        own node, after a minute where it has lost the head.
        """
        now = time.monotonic()
        if answers(self.head):
            self.answered = now
        if now - self.answered > PATIENCE or not answers(self.own_node):
            raise ClusterError(
                f"the Ray cluster of {self.head} does not answer any more: every finished fleet "
                "is kept, and the same command goes on with a new cluster"
            )

    def cancel(self, futures: Collection[Future[Any]]) -> None:
        """End what is not done yet, where the end of the connection, which follows, would not.

        Not by force: Ray 2.60 may abort this process where a task ends at that moment.
        """
        for task, (future, _) in list(self.pending.items()):
            if future in futures:
                del self.pending[task]
                if self.is_guest:
                    ray.cancel(task)


def answers(address: str) -> bool:
    """Whether somebody listens at HOST:PORT."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=2).close()
    except (OSError, ValueError, OverflowError):
        return False
    return True
