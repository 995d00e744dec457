"""Metric of a study (1 - error): its name, its printed form and the least error it resolves."""

import math

# Accuracy is for classes, R² for squared errors. The skill, for other losses, is the share of the
# constant prediction's loss that the network removes. Only accuracy is a share of samples.
METRICS = ACCURACY, R2, SKILL = "accuracy", "R²", "skill"
LEAST = 1e-9  # share of the constant prediction's loss; anything smaller is rounding
SHORT = {ACCURACY: "acc."}
SPLITS = {"validation": "val", "test": "test"}  # by data, how their columns begin


def least_error(samples: int, metric: str) -> float:
    """Return the lower bound at which errors are clipped before a logarithm.

    It is half a sample out of `samples` for accuracy, and `LEAST` for the other metrics.
    """
    return 1 / (2 * samples) if metric == ACCURACY else LEAST


def written(error: float, metric: str) -> str:
    """Format 1 - error: `98.60%` for accuracy, `0.9860` for the other metrics.

    The latter gets as many digits as are needed to tell it from 1, and at least four.
    """
    if metric == ACCURACY:
        return f"{1 - error:.2%}"
    digits = 1 - math.floor(math.log10(error)) if error >= LEAST else 0
    return f"{1 - error:.{max(4, digits)}f}"


def short(metric: str) -> str:
    """Return the metric's name as it is written in the head of a column."""
    return SHORT.get(metric, metric)
