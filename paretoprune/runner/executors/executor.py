"""Interface of executors: what calls the function of a fleet somewhere."""

from collections.abc import Callable, Collection
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, ParamSpec, Protocol, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


class WorkerDiedError(Exception):
    """The worker of a fleet died, and so did those that trained it again."""


class TimeIsUp(Exception):
    """The time budget ends before another epoch of a fleet would; what was trained is kept."""


@dataclass(frozen=True, eq=False)
class Reporter:
    """Receives the steps of a fleet: called with the number done and the number in all.

    An executor that calls a function elsewhere gives it another one, which reports here.
    """

    tell: Callable[[int, int], None]

    def __call__(self, step: int, steps: int) -> None:
        self.tell(step, steps)


class Executor(Protocol):
    """Calls functions of fleets, such as `train_fleet`, somewhere.

    Attributes:
        at_once: How many calls to submit at a time.
        slots: How many of them are done side by side as things are.
        nodes: The number of machines, 0 where there is but this one.
    """

    at_once: float

    @property
    def slots(self) -> int: ...

    @property
    def nodes(self) -> int: ...

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have `fn` called; an exception that it raises is kept for `Future.result`."""

    def wait(self, futures: Collection[Future[Any]]) -> set[Future[Any]]:
        """Wait until at least one is done; return those that are."""

    def cancel(self, futures: Collection[Future[Any]]) -> None:
        """End what is not done yet."""
