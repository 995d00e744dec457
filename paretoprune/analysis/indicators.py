"""Quality indicators of a front: its hypervolume."""

import numpy as np
import pandas as pd
from pymoo.indicators.hv import HV

from paretoprune.analysis.aggregate import choosable
from paretoprune.study.metric import ACCURACY, least_error

# The box of the hypervolume, in log10(error) x log10(nonzero share).
IDEAL = np.log10([0.001, 0.001])
REFERENCE = np.log10([0.1, 1.0])
# The reference if errors are shares of the constant prediction's loss.
CONSTANT = np.log10([1.0, 1.0])


def hypervolume(errors: np.ndarray, nonzero_shares: np.ndarray, metric: str = ACCURACY) -> float:
    """Return the hypervolume of networks: the dominated share of a reference box, in [0, 1].

    The box is one in log10(error) x log10(nonzero share). Its ideal corner is (0.1 %, 0.1 %). Its
    reference corner is (10 %, 100 %) if the metric is accuracy, and otherwise (100 %, 100 %),
    because an error is then a share of the constant prediction's loss.

    Args:
        errors: the errors, as fractions of shape [N].
        nonzero_shares: the nonzero shares of the prunable weights, as fractions of shape [N].
        metric: the name of the metric, which is 1 - error.
    """
    if len(errors) == 0:
        return 0.0
    logs = np.log10(np.maximum(np.column_stack([errors, nonzero_shares]), 1e-300))
    reference = REFERENCE if metric == ACCURACY else CONSTANT
    unit = np.clip((logs - IDEAL) / (reference - IDEAL), 0, 1)
    return float(HV(ref_point=np.ones(2))(unit))


def hypervolume_of(points: pd.DataFrame, samples: int, metric: str = ACCURACY) -> float:
    """Return the hypervolume, in [0, 1], of the living points that a front is chosen from.

    Errors are clipped from below by `least_error`, and sizes by one weight.

    Args:
        points: rows of the table, or of `over_seeds`.
        samples: the number of validation samples.
        metric: the name of the metric, which is 1 - error.
    """
    living = choosable(points)
    shares = living["nonzeros"].clip(lower=1) / living["prunable_weights"]
    errors = living["val_error"].clip(lower=least_error(samples, metric))
    return hypervolume(errors.to_numpy(), shares.to_numpy(), metric)
