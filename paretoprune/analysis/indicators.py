"""Quality indicators of a front: its hypervolume."""

import numpy as np
import pandas as pd
from pymoo.indicators.hv import HV

from paretoprune.analysis.aggregate import choosable
from paretoprune.study.metric import ACCURACY, least_error

# Hypervolume: log10(error) x log10(nonzero share), from the ideal to the reference.
IDEAL = np.log10([0.001, 0.001])
REFERENCE = np.log10([0.1, 1.0])
CONSTANT = np.log10([1.0, 1.0])  # the reference where an error is a share of that prediction's loss


def hypervolume(errors: np.ndarray, nonzero_shares: np.ndarray, quality: str = ACCURACY) -> float:
    """Dominated share of the reference box, in [0, 1]; both arguments are fractions of shape [N].

    In log10(error) x log10(nonzero share), to (0.1 %, 0.1 %) from (10 %, 100 %), or from (100 %,
    100 %) of other qualities, whose errors are shares of the constant prediction's loss.
    """
    if len(errors) == 0:
        return 0.0
    logs = np.log10(np.maximum(np.column_stack([errors, nonzero_shares]), 1e-300))
    reference = REFERENCE if quality == ACCURACY else CONSTANT
    unit = np.clip((logs - IDEAL) / (reference - IDEAL), 0, 1)
    return float(HV(ref_point=np.ones(2))(unit))


def hypervolume_of(points: pd.DataFrame, samples: int, quality: str = ACCURACY) -> float:
    """Hypervolume of the living points on validation data of `samples` images.

    No error counts as less than `least_error`, no network as less than one weight.
    """
    living = choosable(points)
    shares = living["nonzeros"].clip(lower=1) / living["prunable_weights"]
    errors = living["val_error"].clip(lower=least_error(samples, quality))
    return hypervolume(errors.to_numpy(), shares.to_numpy(), quality)
