"""Interface of executors, which call the training function of a fleet.

A new executor is a class, its name in `NAMES` (`__init__.py`) and a line in `EXECUTORS`
(`open_executor.py`).
"""

from collections.abc import Callable, Collection
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, ParamSpec, Protocol, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


class WorkerDiedError(Exception):
    """The worker of a fleet died, and so did the workers that trained it again."""


class TimeIsUp(Exception):
    """The time budget leaves no time for the next epoch of a fleet.

    The checkpoint of the fleet, if it has one, is kept for another call.
    """


@dataclass(frozen=True, eq=False)
class Reporter:
    """Receiver of the progress of a fleet.

    It is called with the number of steps that are done and the total number of steps. An executor
    that calls a function in another process replaces it by an object that sends reports to it.
    """

    tell: Callable[[int, int], None]

    def __call__(self, step: int, steps: int) -> None:
        self.tell(step, steps)


class Executor(Protocol):
    """Protocol of executors, which call a function such as `train_fleet` for each fleet.

    Attributes:
        at_once: Largest number of calls that should be submitted and not done.
        slots: Number of calls that can run at the same time at present.
        nodes: Number of machines of a cluster, or 0 if there is only this machine.
    """

    at_once: float

    @property
    def slots(self) -> int: ...

    @property
    def nodes(self) -> int: ...

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Submit a call of `fn`; an exception of it is raised by `Future.result`."""

    def wait(self, futures: Collection[Future[Any]]) -> set[Future[Any]]:
        """Wait until at least one future is done; return those that are."""

    def cancel(self, futures: Collection[Future[Any]]) -> None:
        """Cancel the calls that are not done."""
