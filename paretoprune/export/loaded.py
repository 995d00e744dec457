"""Opened files: a written network that can be run again."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Opened:
    """A file that has been opened.

    Attributes:
        answer: Runs the file; it is called as the network is.
        varies: Whether the file takes batches of any size.
    """

    answer: Callable[..., object]
    varies: bool
