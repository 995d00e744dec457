"""Executors: the ways to run the training of fleets, in this process or on a Ray cluster.

The command line reads their names here, so this file loads neither torch nor Ray.
"""

LOCAL, RAY = "local", "ray"
NAMES = (LOCAL, RAY)

__all__ = ["LOCAL", "executor", "local", "open_executor", "ray"]
