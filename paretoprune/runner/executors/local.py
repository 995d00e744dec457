"""Local executor: fleets are trained in this process."""

from collections.abc import Callable, Collection
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


class LocalExecutor:
    """Executor that trains each fleet in this process when it is submitted.

    Fleets are trained one after another, because each uses the whole machine.
    """

    at_once, slots, nodes = 1.0, 1, 0

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call `fn` now, and return a future that is done; `KeyboardInterrupt` is not caught."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future

    def wait(self, futures: Collection[Future[Any]]) -> set[Future[Any]]:
        """Return all futures, because each was done when it was submitted."""
        return wait(futures, return_when=FIRST_COMPLETED).done

    def cancel(self, futures: Collection[Future[Any]]) -> None:
        """Do nothing, because every call is done."""
