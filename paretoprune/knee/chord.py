"""The knee as the point farthest from the line between the extremes."""

import numpy as np
import pandas as pd

from paretoprune.front import AXES
from paretoprune.knee.verdict import Verdict, too_few


def chord(front: pd.DataFrame) -> Verdict:
    """Take the point farthest below the chord of the extremes, on logarithmic axes.

    Source: Das (1999), "On characterizing the 'knee' of the Pareto curve", after Das and Dennis'
    normal-boundary intersection. The distance is measured in units of the extremes' box.
    """
    front = front.drop_duplicates(list(AXES))
    few = too_few(front)
    if few:
        return few
    values = np.log10(front[list(AXES)].to_numpy(float).clip(min=1e-300))
    span = np.ptp(values, axis=0)
    unit = (values - values.min(axis=0)) / span  # the extremes are (0, 1) and (1, 0)
    below = (1 - unit.sum(axis=1)) / np.sqrt(2)
    best = int(below.argmax())
    if below[best] <= 1e-9:
        return Verdict(None, "no point lies below the line between the extremes")
    return Verdict(
        int(front.index[best]),
        f"farthest below the line between the extremes ({below[best]:.2f} of the box, log axes)",
    )
