"""Connection to a Ray cluster."""

import contextlib
import logging
import os
import signal
import threading
from collections.abc import Iterator

import ray

from paretoprune.errors import CouldNotError, UsageError
from paretoprune.runner.events import EventHandler, Note, plural
from paretoprune.runner.executors import LOCAL
from paretoprune.runner.executors.ray import RayConfig
from paretoprune.runner.executors.ray.nodes import answers
from paretoprune.runner.executors.ray.ray_executor import RayExecutor
from paretoprune.runner.executors.ray.runtime_env import runtime_env
from paretoprune.study.parsing import AUTO
from paretoprune.study.user_code import Function

# Environment variables that Ray reads when it starts. Ray then does not retry a fleet that is out
# of memory, because the sweep halves it, and sends no usage statistics.
ENVIRONMENT = {"RAY_task_oom_retries": "0", "RAY_USAGE_STATS_ENABLED": "0"}


@contextlib.contextmanager
def connected(
    config: RayConfig, device: str, functions: list[Function], watch: EventHandler
) -> Iterator[RayExecutor]:
    """Connect to a cluster for the duration of a `with` statement, and yield an executor on it.

    Args:
        config: The cluster, and the resources of a fleet.
        device: The device of the workers.
        functions: The user's functions, whose code the workers need.
        watch: Receives notes for the user.

    Raises:
        UsageError: If there is no such cluster, or if no fleet can ever begin on it.
        CouldNotError: If the connection fails.
    """
    is_guest = ray.is_initialized()  # the calling program is connected already
    printing = ray._private.worker.print_to_stdstream
    try:
        if not is_guest:
            connect(config, runtime_env(functions))
        executor = RayExecutor(config, device, watch, is_guest=is_guest)
        watch(Note(text=welcome(executor)))
        yield executor
    finally:
        if not is_guest:
            ray.shutdown()
            ray._private.worker.print_to_stdstream = printing


def connect(config: RayConfig, environment: dict[str, object]) -> None:
    """Connect this process to the cluster, without output from Ray.

    Args:
        config: The cluster.
        environment: Ray's runtime environment for the workers.

    Raises:
        UsageError: If there is no such cluster.
        CouldNotError: If the connection fails.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    named, is_new = f"--ray-address {config.ray_address}", config.ray_address == LOCAL
    if not (is_new or config.ray_address == AUTO or answers(config.ray_address)):
        raise UsageError(f"{named}: nobody answers there; is this the head's address and port?")
    # Ray prints the errors of workers on stdout; the sweep reports the relevant ones as notes
    ray._private.worker.print_to_stdstream = silent
    terminate = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(
            address=config.ray_address,
            runtime_env=environment,
            include_dashboard=False if is_new else None,
            logging_level=logging.ERROR,
            log_to_driver=False,
        )
    except ConnectionError as error:
        raise UsageError(
            f"{named}: there is no Ray cluster on this machine; start one with `ray start --head`, "
            "or give --ray-address local"
        ) from error
    except (RuntimeError, ValueError, OSError, ray.exceptions.RayError) as error:
        raise CouldNotError(f"{named}: {' '.join(str(error).split())}") from error
    if threading.current_thread() is threading.main_thread():  # Ray has replaced it
        signal.signal(signal.SIGTERM, terminate)


def silent(*args: object, **kwargs: object) -> None:
    """Print nothing."""


def welcome(executor: RayExecutor) -> str:
    """Return a description of the cluster for the user, before the first fleet.

    Raises:
        UsageError: If this machine is the whole cluster and has too few resources for a fleet.
    """
    gpus, cpus = executor.gpus, executor.config.cpus_per_fleet
    need = f"{f'{gpus:g} GPU and ' if gpus else ''}{cpus} CPU"
    found = f"Ray cluster of {plural(executor.nodes, 'node')}"
    if executor.slots:
        return f"{found}, room for {plural(executor.slots, 'fleet')} ({need} each)"
    if executor.config.ray_address == LOCAL:
        raise UsageError(f"this machine has no room for a fleet, which takes {need}: ask for less")
    return f"{found}, none with {need} for a fleet: waiting for one that has (Ctrl-C ends)"
