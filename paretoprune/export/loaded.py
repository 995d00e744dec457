"""What is a file of a network, once it is open again?"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Opened:
    """What runs the file, called as the network is, and whether it takes batches of any size."""

    answer: Callable[..., object]
    varies: bool
