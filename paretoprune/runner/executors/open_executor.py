"""Table of executors, with the function that opens each of them.

A new executor is a file with a class, a function and a line here, and its name in `NAMES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from paretoprune.runner.executors import LOCAL, RAY

if TYPE_CHECKING:
    from paretoprune.runner.events import EventHandler
    from paretoprune.runner.executors.executor import Executor
    from paretoprune.runner.request import SweepRequest
    from paretoprune.study.settings import Settings


@contextmanager
def _local(request: SweepRequest, settings: Settings, watch: EventHandler) -> Iterator[Executor]:
    """Open the executor of this process."""
    from paretoprune.runner.executors.local import LocalExecutor

    yield LocalExecutor()


@contextmanager
def _ray(request: SweepRequest, settings: Settings, watch: EventHandler) -> Iterator[Executor]:
    """Open an executor on the Ray cluster of the request."""
    from paretoprune.runner.executors.ray.connection import connected  # Ray may not be installed

    functions = request.user_functions(settings)
    with connected(request.ray, request.environment.device, functions, watch) as executor:
        yield executor


Open = Callable[["SweepRequest", "Settings", "EventHandler"], AbstractContextManager["Executor"]]

# Functions that open an executor for a request, and close it at the end of a `with` statement.
EXECUTORS: dict[str, Open] = {LOCAL: _local, RAY: _ray}
