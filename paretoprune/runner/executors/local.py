"""Executor that trains in this process."""

from collections.abc import Callable, Collection
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


class LocalExecutor:
    """Run each fleet in this process, at once: a fleet uses the whole machine."""

    at_once, slots, nodes = 1.0, 1, 0

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call `fn` now. Ctrl-C passes through."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future

    def wait(self, futures: Collection[Future[Any]]) -> set[Future[Any]]:
        """Return all of them: each was done when it was submitted."""
        return wait(futures, return_when=FIRST_COMPLETED).done

    def cancel(self, futures: Collection[Future[Any]]) -> None:
        """Do nothing: no call is left to be ended."""
