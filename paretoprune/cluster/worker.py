"""What happens on a worker: the problem is put on its device, the fleet trained."""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import ray
import torch

from paretoprune import __version__
from paretoprune.cluster.mailbox import Post
from paretoprune.device import find_device, free_memory
from paretoprune.errors import CouldNotError
from paretoprune.problem import Problem
from paretoprune.resume import Keeper
from paretoprune.run import Run

T = TypeVar("T")


class ClusterError(CouldNotError):
    """The cluster, not a fleet, is what something is wrong with."""


@dataclass(frozen=True)
class Here:
    """What a worker needs to know: the problem's place in the object store, device, threads."""

    problem: tuple[Any]  # in a tuple, or Ray would hand over a new copy with each fleet
    device: str
    threads: int
    version: str = __version__


def work(
    fn: Callable[..., T], runs: Sequence[Run], here: Here, post: Post, keeper: Keeper | None
) -> T:
    """Call `fn` as `LocalExecutor` would; raise `ClusterError` where this worker is another's."""
    if here.version != __version__:
        raise ClusterError(
            f"{socket.gethostname()} has paretoprune {__version__}, and here it is {here.version}: "
            "install the same version on every node"
        )
    post.begin(socket.gethostname())
    torch.set_num_threads(here.threads)
    try:
        return fn(runs, problem_on(here.problem[0], here.device), post, keeper)
    finally:
        free_memory()  # for fleets that share the GPU


@lru_cache(maxsize=1)
def problem_on(problem: Any, device: str) -> Problem:
    """The problem, once in each worker, on its device."""
    here: Problem = ray.get(problem)
    return here.to(find_device(device))
