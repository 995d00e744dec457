"""Chord rule: the knee is the point farthest from the line between the extremes."""

import numpy as np
import pandas as pd

from paretoprune.analysis.knee.axes import TIE, AxesSpec, scaled_points
from paretoprune.analysis.knee.result import KneeResult, too_few


def chord(front: pd.DataFrame, spec: AxesSpec) -> KneeResult:
    """Choose the point farthest below the chord of the extremes.

    Source: Das (1999), "On characterizing the 'knee' of the Pareto curve", after Das and Dennis'
    normal-boundary intersection. The distance is measured in units of the extremes' box.
    """
    labels, unit = scaled_points(front, spec)
    few = too_few(labels)
    if few:
        return few
    below = (1 - unit.sum(axis=1)) / np.sqrt(2)  # [N]
    best = int((below >= below.max() - TIE).argmax())  # among equal ones, the densest
    if below[best] <= TIE:
        return KneeResult(None, "no point lies below the line between the extremes")
    return KneeResult(
        int(labels[best]),
        f"farthest below the line between the extremes ({below[best]:.2f} of the box)",
    )
