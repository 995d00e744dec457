"""Worker side of the Ray executor: call the function of a fleet on the worker's device."""

import os
import socket
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
import ray
import torch

from paretoprune._version import __version__
from paretoprune.errors import ClusterError
from paretoprune.problem.device import find_device, free_memory, is_full, set_up_process
from paretoprune.runner.executors.executor import TimeIsUp
from paretoprune.runner.executors.ray.messages import EventSender
from paretoprune.training.prepare import Prepared
from paretoprune.training.step import Starts

T = TypeVar("T")


@dataclass(frozen=True)
class Stored:
    """Reference to a prepared problem in the object store.

    Attributes:
        place: The reference. It is in a tuple, because Ray would otherwise send a new copy with
            each fleet.
    """

    place: tuple[Any]


@dataclass(frozen=True)
class StoredStarts:
    """References to the weights of parents in the object store, by run id, as in `Stored`."""

    places: Mapping[str, tuple[Any]]


@dataclass(frozen=True)
class Here:
    """Instructions for a worker.

    Attributes:
        device: Device of the worker: `auto`, `cpu` or `cuda`.
        threads: Number of threads of torch.
        deadline: Time by `time.time` after which no fleet begins.
        version: Version of paretoprune that the coordinator runs.
    """

    device: str
    threads: int
    deadline: float
    version: str = __version__


def work(
    fn: Callable[..., T],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    here: Here,
    sender: EventSender,
) -> T:
    """Call `fn` on this worker, as `LocalExecutor` does in its process.

    Args:
        fn: The function of a fleet.
        args: Its arguments; references are replaced by that to which they refer.
        kwargs: Its keyword arguments.
        here: Instructions for the worker.
        sender: Sends the messages of the fleet.

    Raises:
        ClusterError: If this worker has another version of paretoprune, or cannot load the problem.
        TimeIsUp: If the deadline is over.
    """
    if here.version != __version__:
        raise ClusterError(
            f"{socket.gethostname()} has paretoprune {__version__}, and here it is {here.version}: "
            "install the same version on every node"
        )
    if time.time() > here.deadline:
        raise TimeIsUp  # the fleet waited too long for a slot
    sender.begin(socket.gethostname())
    torch.set_num_threads(here.threads)
    arguments = [received(arg, here.device) for arg in args]
    try:
        return fn(*arguments, **kwargs)
    except Exception as error:
        traceback.clear_frames(error.__traceback__)  # its frames hold the fleet
        if torch.cuda.is_initialized() and not is_full(error):
            require_sound_gpu()
        raise
    finally:
        free_memory()  # for other fleets on the same GPU


def received(argument: object, device: str) -> object:
    """Return what a reference stands for; other arguments are returned as they are."""
    if isinstance(argument, Stored):
        return loaded(argument, device)
    if isinstance(argument, StoredStarts):
        return Starts({each: weights_at(place[0]) for each, place in argument.places.items()})
    return argument


def loaded(stored: Stored, device: str) -> Prepared:
    """Return the problem on this worker's device.

    Raises:
        ClusterError: If the problem cannot be loaded there, unless memory is full.
    """
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
    """End the worker if an error has left its GPU unusable, because further fleets would fail."""
    try:
        torch.cuda.synchronize()
    except RuntimeError:
        os._exit(1)


@lru_cache(maxsize=1)
def problem_on(place: Any, device: str) -> Prepared:
    """Return the problem on a device; the worker keeps it for further fleets."""
    set_up_process()
    prepared: Prepared = ray.get(place)
    return prepared.to(find_device(device))


@lru_cache(maxsize=8)
def weights_at(place: Any) -> dict[str, np.ndarray]:
    """Return the weights of a parent; the worker keeps them for further fleets."""
    weights: dict[str, np.ndarray] = ray.get(place)
    return {name: array.copy() for name, array in weights.items()}  # Ray's arrays are read-only
