"""What a sleeping worker does; it needs no torch, so that a hundred of them fit on one machine."""

import os
import time
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Nap:
    """When a worker slept for a fleet, in seconds of its machine's clock."""

    worker: int
    begun: float
    ended: float


def sleep(seconds: float, weights: Any) -> tuple[Nap, Any]:
    """Stand for a fleet's training: as long, with as much to hand back."""
    begun = time.time()
    time.sleep(seconds)
    return Nap(os.getpid(), begun, time.time()), weights
