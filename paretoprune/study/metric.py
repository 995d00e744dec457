"""What is 1 - error of a study called, how is it written, and how small an error can be told?"""

import math

# Of classes; of squared errors; for other losses the share of the constant prediction's loss that
# is gone. Only the first is a share of samples.
QUALITIES = ACCURACY, R2, SKILL = "accuracy", "R²", "skill"
LEAST = 1e-9  # of the constant prediction's loss: less is rounding
SHORT = {ACCURACY: "acc."}


def least_error(samples: int, quality: str) -> float:
    """What an error counts as at least: half an image of `samples`, or hardly anything."""
    return 1 / (2 * samples) if quality == ACCURACY else LEAST


def written(error: float, quality: str) -> str:
    """1 - error in print: `98.60%`, or `0.9860` where it is no share of samples.

    The latter with as many digits as tell it from 1.
    """
    if quality == ACCURACY:
        return f"{1 - error:.2%}"
    digits = 1 - math.floor(math.log10(error)) if error >= LEAST else 0
    return f"{1 - error:.{max(4, digits)}f}"


def short(quality: str) -> str:
    """The name as the head of a column has it."""
    return SHORT.get(quality, quality)
