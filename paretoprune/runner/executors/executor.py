"""Where do fleets run? Here, or on whatever else has these three."""

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any, Protocol, TypeVar

from paretoprune.problem.problem import Problem
from paretoprune.runner.checkpointing import FleetKeeper
from paretoprune.study.run import Run
from paretoprune.training.train import Report

T = TypeVar("T")
Task = Callable[[Sequence[Run], Problem, Report, FleetKeeper | None], T]


class WorkerDiedError(Exception):
    """The worker of a fleet died, and so did those that trained it again."""


class Executor(Protocol):
    """Does tasks of fleets such as `train_fleet`, somewhere.

    `at_once` is how many fleets to hand over at a time, `slots` how many of them are trained side
    by side as things are; `nodes` the number of machines, 0 where there is but this one.
    """

    at_once: float

    @property
    def slots(self) -> int: ...

    @property
    def nodes(self) -> int: ...

    def submit(
        self,
        task: Task[T],
        runs: Sequence[Run],
        problem: Problem,
        report: Report,
        keeper: FleetKeeper | None,
        /,
    ) -> Future[T]:
        """Have `task` done; an exception of it is kept for `Future.result`."""

    def wait(self, futures: Collection[Future[Any]]) -> set[Future[Any]]:
        """Wait until at least one is done; return those that are."""

    def cancel(self, futures: Collection[Future[Any]]) -> None:
        """End what is not done yet."""


class LocalExecutor:
    """Runs each fleet in this process, at once: a fleet uses the whole machine."""

    at_once, slots, nodes = 1.0, 1, 0

    def submit(self, task: Callable[..., T], /, *arguments: Any) -> Future[T]:
        """Do `task` now. Ctrl-C is nobody's result: it passes through."""
        future: Future[T] = Future()
        try:
            future.set_result(task(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future

    def wait(self, futures: Collection[Future[Any]]) -> set[Future[Any]]:
        """All of them: each was done when it was submitted."""
        return wait(futures, return_when=FIRST_COMPLETED).done

    def cancel(self, futures: Collection[Future[Any]]) -> None:
        """Nothing is left to be ended."""
