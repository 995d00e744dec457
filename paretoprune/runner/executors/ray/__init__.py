"""Executor on a Ray cluster. This file declares its options and loads neither Ray nor torch."""

import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from paretoprune.errors import UsageError
from paretoprune.runner.executors import LOCAL, NAMES, RAY
from paretoprune.study.options import CLUSTER, choose, option, option_of, require_valid, within
from paretoprune.study.parsing import AUTO
from paretoprune.study.settings import DEVICES

HOST_AND_PORT = r"(\[[0-9a-fA-F:]+\]|[\w.-]+):(\d{1,5})"

_of_cluster = partial(option, panel=CLUSTER, is_repeated=True)


@dataclass(frozen=True, kw_only=True)
class RayConfig:
    """Options of a Ray cluster and of the resources of a fleet.

    Raises `UsageError` on creation if the address is malformed or a value is out of range.
    """

    ray_address: str = _of_cluster(
        AUTO, "auto, the cluster of this machine | local, a new one | HOST:PORT (default: auto)"
    )
    gpus_per_fleet: float | None = _of_cluster(
        None,
        "1 | a share of one, such as 0.25 | 0 (default: 1 where there are any)",
        valid=within(0, 1, "from 0 to 1: a fleet fits on one GPU"),
    )
    cpus_per_fleet: int = _of_cluster(
        1, "Cores, and threads, of a fleet (default: 1)", valid=within(1, 1024)
    )
    retries: int = _of_cluster(
        2,
        "How often a fleet is trained again if its worker dies (default: 2)",
        valid=within(0, 100),
    )

    def __post_init__(self) -> None:
        known = self.ray_address in (AUTO, LOCAL) or re.fullmatch(HOST_AND_PORT, self.ray_address)
        if not known:
            raise UsageError(
                f"--ray-address {self.ray_address} is no address: give auto, local or HOST:PORT, "
                "on a machine of the cluster"
            )
        require_valid(self)


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
