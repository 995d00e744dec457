"""Fleets on a Ray cluster: which cluster, and what does a fleet take of it? No Ray, no torch."""

import importlib.util
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from paretoprune.errors import UsageError
from paretoprune.study.settings import AUTO, DEVICES, choose, option_of, require

LOCAL, RAY = "local", "ray"
EXECUTORS = (LOCAL, RAY)
HOST_AND_PORT = r"(\[[0-9a-fA-F:]+\]|[\w.-]+):(\d{1,5})"


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A Ray cluster, and what of it a fleet takes.

    `ray_address` is `auto`, the cluster of this machine, `local`, a new one, or HOST:PORT.

    A fleet takes `cpus_per_fleet` cores and `gpus_per_fleet` GPUs, a share of one or a whole
    (`None`: one where there are any); it is trained again up to `retries` times where its worker
    dies. Raises `UsageError` on creation.
    """

    ray_address: str = AUTO
    gpus_per_fleet: float | None = None
    cpus_per_fleet: int = 1
    retries: int = 2

    def __post_init__(self) -> None:
        known = self.ray_address in (AUTO, LOCAL) or re.fullmatch(HOST_AND_PORT, self.ray_address)
        if not known:
            raise UsageError(
                f"--ray-address {self.ray_address} is no address: give auto, local or HOST:PORT, "
                "on a machine of the cluster"
            )
        gpus, cpus = self.gpus_per_fleet, self.cpus_per_fleet
        if gpus is not None:
            whole = 0 <= gpus <= 1 and not math.isnan(gpus)
            require(whole, "--gpus-per-fleet", gpus, "from 0 to 1: a fleet fits on one GPU")
        require(1 <= cpus <= 1024, "--cpus-per-fleet", cpus, "from 1 to 1024")
        require(0 <= self.retries <= 100, "--retries", self.retries, "from 0 to 100")


def cluster_of(executor: str, given: Mapping[str, Any], device: str) -> Cluster | None:
    """The cluster that a user asks for; `None` for this machine alone.

    `given` holds fields of `Cluster`, `device` is that of the workers. Raises `UsageError`.
    """
    given = {name: value for name, value in given.items() if value is not None}
    if choose(executor, EXECUTORS, "--executor") == LOCAL:
        if given:
            names = ", ".join(option_of(name) for name in given)
            raise UsageError(f"{names}: of a Ray cluster; add --executor ray, or leave it out")
        return None
    if importlib.util.find_spec("ray") is None:
        raise UsageError("--executor ray needs Ray: pip install 'paretoprune[ray]'")
    choose(device, DEVICES, "--device")
    cluster = Cluster(**given)
    if cluster.gpus_per_fleet == 0 and device == "cuda":
        raise UsageError("--gpus-per-fleet 0 leaves no GPU for --device cuda: give 1")
    if cluster.gpus_per_fleet and device == "cpu":
        raise UsageError("--device cpu needs no GPU: leave --gpus-per-fleet out")
    return cluster
