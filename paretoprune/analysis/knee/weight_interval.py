"""Weight-interval rule: the knee is optimal over the widest range of weights."""

import numpy as np
import pandas as pd

from paretoprune.analysis.knee.axes import TIE, AxesSpec
from paretoprune.analysis.knee.result import KneeResult, too_few
from paretoprune.analysis.pareto import supported


def weight_interval(front: pd.DataFrame, spec: AxesSpec) -> KneeResult:
    """Choose the supported point that is optimal over the widest range of log(λ / (1 - λ)).

    This is the intention of the rule in arXiv 2008.13590, section 3.4, whose authors compare the
    ratios (1 - λ) / λ of neighbours. The values are taken on linear axes, and the extremes are
    excluded.
    """
    corners = supported(front, spec.axes)
    few = too_few(corners, "its convex hull")
    if few:
        return few
    values = corners[list(spec.axes)].to_numpy(float)
    losses, complexities = np.diff(values[:, 0]), -np.diff(values[:, 1])
    log_odds = np.log(losses / complexities)  # between neighbours, where both are optimal
    widths = np.diff(log_odds)  # of the inner points
    best = int((widths >= widths.max() - TIE).argmax())  # among equal ones, the densest
    if widths[best] <= TIE:
        return KneeResult(None, "no point lies below the line between the extremes")
    factor = float(np.exp(widths[best]))
    return KneeResult(
        int(corners.index[best + 1]),
        f"optimal over the widest range of weights (a factor {factor:.3g} in λ/(1-λ))",
    )
