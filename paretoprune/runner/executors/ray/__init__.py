"""Executor on a Ray cluster. This file declares its options and loads neither Ray nor torch."""

import importlib.util
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from paretoprune.errors import UsageError
from paretoprune.runner.executors import LOCAL, NAMES, RAY
from paretoprune.study.settings import AUTO, DEVICES
from paretoprune.study.validation import choose, option_of, require

HOST_AND_PORT = r"(\[[0-9a-fA-F:]+\]|[\w.-]+):(\d{1,5})"


@dataclass(frozen=True, kw_only=True)
class RayConfig:
    """Configuration of a Ray cluster and of the resources of a fleet.

    Attributes:
        ray_address: `auto` for the cluster of this machine, `local` for a new one, or HOST:PORT.
        gpus_per_fleet: GPUs of a fleet, from 0 to 1; `None` for one GPU if the cluster has any.
        cpus_per_fleet: Cores of a fleet, and number of its threads.
        retries: Number of times that a fleet is trained again after its worker died.

    Raises:
        UsageError: If the address is malformed or a value is out of range.
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


def ray_config_of(executor: str, given: Mapping[str, Any], device: str) -> RayConfig:
    """Return the configuration of the executor `ray`; for others, no option may be given.

    Args:
        executor: Name of the executor, one of `NAMES`.
        given: Values of `RayConfig` by field name; `None` for an option that is not given.
        device: Device of the workers: `auto`, `cpu` or `cuda`.

    Raises:
        UsageError: If an option has no effect or is out of range, options contradict each other,
            or Ray is not installed.
    """
    given = {name: value for name, value in given.items() if value is not None}
    if choose(executor, NAMES, "--executor") != RAY:
        if given:
            names = ", ".join(option_of(name) for name in given)
            raise UsageError(f"{names}: of a Ray cluster; add --executor ray, or leave it out")
        return RayConfig()
    if importlib.util.find_spec("ray") is None:
        raise UsageError("--executor ray needs Ray: pip install 'paretoprune[ray]'")
    choose(device, DEVICES, "--device")
    config = RayConfig(**given)
    if config.gpus_per_fleet == 0 and device == "cuda":
        raise UsageError("--gpus-per-fleet 0 leaves no GPU for --device cuda: give 1")
    if config.gpus_per_fleet and device == "cpu":
        raise UsageError("--device cpu needs no GPU: leave --gpus-per-fleet out")
    return config


__all__ = ["RayConfig", "connection", "ray_config_of"]
