"""Runner: propose, submit and record, the loop behind `paretoprune.sweep`."""

__all__ = [
    "confirm",
    "dry_run",
    "events",
    "executors",
    "keywords",
    "place",
    "request",
    "setup",
    "sweep",
]
