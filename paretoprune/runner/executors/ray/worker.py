"""Worker side: the problem is put on the worker's device, and the function of a fleet is called."""

import os
import socket
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import ray
import torch

from paretoprune._version import __version__
from paretoprune.errors import ClusterError
from paretoprune.problem.device import find_device, free_memory, is_full, set_up_process
from paretoprune.runner.executors.executor import TimeIsUp
from paretoprune.runner.executors.ray.messages import EventSender
from paretoprune.training.prepare import Prepared

T = TypeVar("T")


@dataclass(frozen=True)
class Stored:
    """The place of a prepared problem in the object store."""

    place: tuple[Any]  # in a tuple, or Ray would give each fleet a new copy


@dataclass(frozen=True)
class Here:
    """What a worker needs to know: device, threads, and a time of `time.time` to begin before."""

    device: str
    threads: int
    deadline: float
    version: str = __version__


def work(
    fn: Callable[..., T],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    here: Here,
    post: EventSender,
) -> T:
    """Call `fn` as `LocalExecutor` would.

    Raises `ClusterError` where this worker has another version, or cannot train at all.
    """
    if here.version != __version__:
        raise ClusterError(
            f"{socket.gethostname()} has paretoprune {__version__}, and here it is {here.version}: "
            "install the same version on every node"
        )
    if time.time() > here.deadline:
        raise TimeIsUp  # it waited for its place too long
    post.begin(socket.gethostname())
    torch.set_num_threads(here.threads)
    given = [loaded(arg, here.device) if isinstance(arg, Stored) else arg for arg in args]
    try:
        return fn(*given, **kwargs)
    except Exception as error:
        traceback.clear_frames(error.__traceback__)  # which hold the fleet
        if torch.cuda.is_initialized() and not is_full(error):
            require_sound_gpu()
        raise
    finally:
        free_memory()  # for fleets that share the GPU


def loaded(stored: Stored, device: str) -> Prepared:
    """The problem on this worker's device; raise `ClusterError` where that cannot be."""
    try:
        return problem_on(stored.place[0], device)
    except Exception as error:
        if is_full(error):
            raise
        raise ClusterError(
            f"{socket.gethostname()} cannot train ({type(error).__name__}: {error}): install there "
            "what is installed here"
        ) from error


def require_sound_gpu() -> None:
    """End the worker where an error has left its GPU unusable: the next fleets would fail too."""
    try:
        torch.cuda.synchronize()
    except RuntimeError:
        os._exit(1)


@lru_cache(maxsize=1)
def problem_on(place: Any, device: str) -> Prepared:
    """The problem, once in each worker, on its device."""
    set_up_process()
    prepared: Prepared = ray.get(place)
    return prepared.to(find_device(device))
