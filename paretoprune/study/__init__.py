"""Studies as data and on disk: settings, defaults, runs, metric, user code and storage.

Nothing in this package loads torch.
"""

__all__ = [
    "dataset_ref",
    "defaults",
    "metric",
    "run",
    "settings",
    "storage",
    "user_code",
    "validation",
]
