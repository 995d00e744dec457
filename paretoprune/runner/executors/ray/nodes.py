"""Nodes of a cluster: how many fleets fit on one, and whether one answers."""

import socket
import sys


def room(total: float, need: float) -> int:
    """Return how many fleets fit on a node that has `total` cores or GPUs, if each needs `need`."""
    if not need:
        return sys.maxsize
    return int(total) * int(1 / need) if need < 1 else int(total / need)  # fleets share one GPU


def answers(address: str) -> bool:
    """Return whether a process listens at HOST:PORT."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=2).close()
    except (OSError, ValueError, OverflowError):
        return False
    return True
