"""What happens on a worker: the problem is put on its device, the fleet trained."""

import os
import socket
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import ray
import torch

from paretoprune import __version__
from paretoprune.errors import ClusterError
from paretoprune.problem.device import find_device, free_memory, is_full
from paretoprune.problem.problem import Problem
from paretoprune.runner.checkpointing import FleetKeeper, TimeIsUp
from paretoprune.runner.executors.ray.messages import Post
from paretoprune.study.run import Run

T = TypeVar("T")


@dataclass(frozen=True)
class Here:
    """What a worker needs to know: the problem's place in the object store, device, threads."""

    problem: tuple[Any]  # in a tuple, or Ray would hand over a new copy with each fleet
    device: str
    threads: int
    version: str = __version__


def work(
    fn: Callable[..., T], runs: Sequence[Run], here: Here, post: Post, keeper: FleetKeeper | None
) -> T:
    """Call `fn` as `LocalExecutor` would; raise `ClusterError` where this worker is another's."""
    if here.version != __version__:
        raise ClusterError(
            f"{socket.gethostname()} has paretoprune {__version__}, and here it is {here.version}: "
            "install the same version on every node"
        )
    if keeper is not None and time.time() > keeper.deadline:
        raise TimeIsUp  # it waited for its place too long
    post.begin(socket.gethostname())
    torch.set_num_threads(here.threads)
    problem = problem_here(here)
    try:
        return fn(runs, problem, post, keeper)
    except Exception as error:
        traceback.clear_frames(error.__traceback__)  # which hold the fleet
        if problem.device.type == "cuda" and not is_full(error):
            require_sound_gpu()
        raise
    finally:
        free_memory()  # for fleets that share the GPU


def problem_here(here: Here) -> Problem:
    """The problem on this worker's device; raise `ClusterError` where that cannot be."""
    try:
        return problem_on(here.problem[0], here.device)
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
def problem_on(problem: Any, device: str) -> Problem:
    """The problem, once in each worker, on its device."""
    here: Problem = ray.get(problem)
    return here.to(find_device(device))
