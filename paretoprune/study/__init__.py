"""Studies as data and on disk: settings, defaults, runs, columns, metric, user
code and storage.

Nothing in this package loads torch.
"""

__all__ = [
    "column",
    "columns",
    "dataset_ref",
    "defaults",
    "metric",
    "options",
    "parsing",
    "plan",
    "row",
    "run",
    "settings",
    "storage",
    "template",
    "user_code",
]
