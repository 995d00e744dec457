"""Hypervolume rule: the knee is the point with the largest exclusive contribution."""

import pandas as pd

from paretoprune.analysis.knee.axes import TIE, AxesSpec, scaled_points
from paretoprune.analysis.knee.result import KneeResult, too_few


def hypervolume(front: pd.DataFrame, spec: AxesSpec) -> KneeResult:
    """Choose the inner point that alone dominates the largest area of the extremes' box.

    Source: the exclusive contribution of Emmerich, Beume and Naujoks (2005), "An EMO algorithm
    using the hypervolume measure as selection criterion", EMO 2005. With two objectives it is a
    rectangle between neighbours and does not depend on the reference point.
    """
    labels, unit = scaled_points(front, spec)
    few = too_few(labels)
    if few:
        return few
    widths = unit[2:, 0] - unit[1:-1, 0]
    heights = unit[:-2, 1] - unit[1:-1, 1]
    areas = widths * heights  # [N - 2]
    best = int((areas >= areas.max() - TIE).argmax())  # among equal ones, the densest
    if len(areas) > 1 and areas.max() - areas.min() <= TIE:
        return KneeResult(None, "every point between the extremes adds the same area")
    return KneeResult(
        int(labels[best + 1]),
        f"alone dominates most ({areas[best]:.2%} of the box)",
    )
