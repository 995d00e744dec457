"""Ray executor: fleets are trained as tasks of a Ray cluster.

Ray chooses a node for each fleet, and trains the fleet again on another one if the worker dies.
"""

import contextlib
import itertools
import math
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, ParamSpec, TypeVar

import ray
from ray.exceptions import (
    OutOfMemoryError,
    RayError,
    RayTaskError,
    RuntimeEnvSetupError,
)
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from paretoprune.errors import ClusterError, UsageError
from paretoprune.runner.checkpointing import CheckpointPolicy
from paretoprune.runner.events import EventHandler, Note
from paretoprune.runner.executors.executor import Reporter, WorkerDiedError
from paretoprune.runner.executors.ray import RayConfig
from paretoprune.runner.executors.ray.messages import EventActor, EventSender, Messages
from paretoprune.runner.executors.ray.nodes import answers, room
from paretoprune.runner.executors.ray.worker import Here, Stored, StoredStarts, work
from paretoprune.study.storage.atomic import first_line
from paretoprune.training.prepare import Prepared
from paretoprune.training.step import Starts

T = TypeVar("T")
P = ParamSpec("P")

POLL = 0.5  # seconds between two readings of the messages
# Fleets that end soon after the first are recorded with it: seconds per slot, and the maximum.
GRACE, MOST_GRACE = 0.05, 5.0
LOOK = 2.0  # seconds for which the list of nodes is valid
PROMPT = 1.0  # seconds within which the actor should answer
UNKNOWN = "failed to import on the worker"  # Ray's message for a function that a worker cannot find
PATIENCE = 30.0  # seconds without an answer of the head node; Ray itself waits for 60


class RayExecutor:
    """Executor that calls functions as tasks of a Ray cluster to which the process is connected.

    The problem is put into the object store once, and each worker keeps its copy for all fleets.

    Args:
        config: The cluster, and the resources of a fleet.
        device: Device of the workers: `auto`, `cpu` or `cuda`.
        watch: Receives notes for the user.
        is_guest: Whether the connection belongs to the calling program and outlives the sweep.
    """

    at_once = math.inf  # Ray keeps the queue, and an autoscaler adds nodes by its length

    def __init__(
        self, config: RayConfig, device: str, watch: EventHandler, *, is_guest: bool = False
    ) -> None:
        self.config, self.device, self.watch, self.is_guest = config, device, watch, is_guest
        self.head = ray.get_runtime_context().gcs_address
        self.answered_at, self.listed_at = time.monotonic(), -math.inf
        self.alive: list[dict[str, Any]] = []
        self.gpus = config.gpus_per_fleet or 0.0
        if config.gpus_per_fleet is None and device != "cpu":
            has_gpus = any(node["Resources"].get("GPU") for node in self.present())
            self.gpus = float(has_gpus or device == "cuda")  # a node with one may still be added
        node_id = ray.get_runtime_context().get_node_id()
        this_node = next((node for node in self.present() if node["NodeID"] == node_id), None)
        if this_node is None:
            raise self.cluster_lost()
        self.node_address = f"{this_node['NodeManagerAddress']}:{this_node['NodeManagerPort']}"
        self.actor: Any = (
            ray.remote(EventActor)
            .options(
                num_cpus=0,
                max_restarts=-1,
                max_task_retries=-1,
                scheduling_strategy=NodeAffinitySchedulingStrategy(node_id, soft=False),
            )
            .remote()
        )
        # without max_calls a worker that had a GPU ends with its fleet
        self.task: Any = ray.remote(
            num_cpus=config.cpus_per_fleet,
            num_gpus=self.gpus,
            max_retries=config.retries,
            max_calls=0,
        )(work)
        self.numbers = itertools.count()
        self.pending: dict[Any, tuple[Future[Any], int]] = {}  # by task
        self.reports: dict[int, Reporter] = {}
        self.begun: set[int] = set()
        self.shared: tuple[Prepared, Any] | None = None
        self.parents: dict[str, Any] = {}  # weights in the object store, by run id
        self.requested: Any = None  # messages that are requested and have not arrived

    def present(self) -> list[dict[str, Any]]:
        """Return the nodes that are alive, as `ray.nodes` describes them.

        The list is up to `LOOK` seconds old, or older if the head node does not answer.
        """
        now = time.monotonic()
        if now - self.listed_at > LOOK and answers(self.head):
            nodes: list[dict[str, Any]] = ray.nodes()
            self.alive, self.listed_at = [node for node in nodes if node["Alive"]], now
        return self.alive

    @property
    def nodes(self) -> int:
        """Number of machines in the cluster."""
        return len(self.present())

    @property
    def slots(self) -> int:
        """Number of fleets that fit on the cluster at a time, if nothing else runs on it."""
        cpus, gpus = self.config.cpus_per_fleet, self.gpus
        resources = [node["Resources"] for node in self.present()]
        return sum(
            min(room(total.get("CPU", 0.0), cpus), room(total.get("GPU", 0.0), gpus))
            for total in resources
        )

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Submit a call of `fn` on a worker.

        A `Prepared` and the weights of parents are replaced by the worker's copies, a `Reporter`
        and a `CheckpointPolicy` by objects that send reports and checkpoints to the coordinator.
        """
        number, future = next(self.numbers), Future[T]()
        sender = EventSender(self.actor, number)
        sent = [self.sent(arg, sender) for arg in args]
        policies = [arg for arg in args if isinstance(arg, CheckpointPolicy)]
        deadline = min((policy.deadline for policy in policies), default=math.inf)
        device = self.device if self.gpus else "cpu"
        here = Here(device, self.config.cpus_per_fleet, deadline)
        self.reports.update((number, arg) for arg in args if isinstance(arg, Reporter))
        task = self.task.remote(fn, sent, kwargs, here, sender)
        self.pending[task] = future, number
        return future

    def sent(self, argument: object, sender: EventSender) -> object:
        """Return the object that is sent to a worker in place of an argument."""
        if isinstance(argument, Prepared):
            return self.stored(argument)
        if isinstance(argument, Starts):
            return StoredStarts({each: self.kept(each, argument) for each in argument.weights})
        if isinstance(argument, Reporter):
            return sender
        if isinstance(argument, CheckpointPolicy):
            return replace(
                argument,
                folder=argument.folder.absolute(),
                watch=sender.note,
                read=sender.read,
                write=sender.write,
            )
        return argument

    def kept(self, run_id: str, starts: Starts) -> tuple[Any]:
        """Put the weights of a run into the object store once, and return their place."""
        if run_id not in self.parents:
            try:
                self.parents[run_id] = ray.put(dict(starts.weights[run_id]))
            except RayError as error:
                raise ClusterError(f"weights cannot be sent: {first_line(error)}") from error
        return (self.parents[run_id],)

    def stored(self, prepared: Prepared) -> Stored:
        """Put the problem into the object store, unless it is the one that is there.

        Raises:
            ClusterError: If the cluster does not take it.
            UsageError: If the model or the loss of the user cannot be pickled.
        """
        if self.shared is None or self.shared[0] is not prepared:
            try:
                self.shared = prepared, ray.put(prepared)
            except RayError as error:
                raise ClusterError(f"the data cannot be sent: {first_line(error)}") from error
            except Exception as error:  # a user's object may raise anything
                raise UsageError(
                    "the model or the loss cannot be sent to the workers; make it a function of a "
                    f"module ({first_line(error)})"
                ) from error
        return Stored((self.shared[1],))

    def wait(self, futures: Collection[Future[Any]]) -> set[Future[Any]]:
        """Wait until at least one fleet is done, and pass on messages in the meantime.

        All pending fleets are waited for, whatever `futures` contains.

        Raises:
            ClusterError: If the cluster does not answer any more.
        """
        ready: list[Any] = []
        grace = min(GRACE * self.slots, MOST_GRACE)
        while not ready:
            self.require_cluster()
            self.forward_messages()
            tasks = list(self.pending)
            if ray.wait(tasks, timeout=POLL)[0]:
                ready, _ = ray.wait(tasks, num_returns=len(tasks), timeout=grace)
        self.forward_messages()
        return {self.land(task) for task in ready}

    def land(self, task: Any) -> Future[Any]:
        """Move the result or the exception of a finished task to its future."""
        future, number = self.pending.pop(task)
        self.reports.pop(number, None)
        self.begun.discard(number)
        try:
            future.set_result(ray.get(task))
        except RayError as error:
            future.set_exception(self.reason(error))
        return future

    def reason(self, error: RayError) -> Exception:
        """Return the exception for a fleet that was not trained.

        If possible, it is the exception that training in this process would have raised.
        """
        if isinstance(error, RayTaskError):
            if UNKNOWN in str(error):
                return ClusterError(f"a worker has no paretoprune: {first_line(error.cause)}")
            cause: Exception = error.cause
            cause.__cause__ = error  # its text is the worker's traceback
            return cause
        if isinstance(error, OutOfMemoryError):
            return MemoryError(
                f"{first_line(error)} Give a fleet more room with a larger --cpus-per-fleet"
            )
        if isinstance(error, RuntimeEnvSetupError):
            return ClusterError(f"the workers cannot be set up: {first_line(error)}")
        return WorkerDiedError(f"{first_line(error)} (--retries {self.config.retries})")

    def forward_messages(self) -> None:
        """Pass on the messages of the fleets to the user and to their reporters."""
        if self.requested is None:
            self.requested = self.actor.empty.remote()
        if not ray.wait([self.requested], timeout=PROMPT)[0]:
            return  # the actor is starting or writing: try again later
        messages, requested, self.requested = Messages(), self.requested, None
        with contextlib.suppress(RayError):  # the actor is restarting
            messages = ray.get(requested)
        for text in messages.notes:
            self.watch(Note(text=text))
        for number, host in messages.begun:
            if number in self.begun:
                self.watch(Note(text=f"a worker died: its fleet is trained again, on {host}"))
            if number in self.reports:
                self.begun.add(number)
        for number, (step, steps) in messages.steps.items():
            if number in self.reports:
                self.reports[number](step, steps)

    def require_cluster(self) -> None:
        """Raise `ClusterError` if the cluster does not answer any more.

        Otherwise Ray would end this process without a message: at once if it has lost the object
        store of its node, and after a minute if it has lost the head node.
        """
        now = time.monotonic()
        if answers(self.head):
            self.answered_at = now
        if now - self.answered_at > PATIENCE or not answers(self.node_address):
            raise self.cluster_lost()

    def cluster_lost(self) -> ClusterError:
        """Return the error for a cluster that does not answer any more."""
        return ClusterError(
            f"the Ray cluster of {self.head} does not answer any more: every finished fleet is "
            "kept, and the same command goes on with a new cluster"
        )

    def cancel(self, futures: Collection[Future[Any]]) -> None:
        """Forget the tasks of `futures`, and cancel them if the connection stays open.

        If the connection does not outlive the sweep, its end cancels them. Tasks are not cancelled
        by force, because Ray 2.60 may abort this process if a task ends at that moment.
        """
        for task, (future, number) in list(self.pending.items()):
            if future in futures:
                del self.pending[task]
                self.reports.pop(number, None)
                if self.is_guest:
                    ray.cancel(task)
