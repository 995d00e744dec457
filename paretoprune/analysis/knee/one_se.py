"""One-standard-error rule: the smallest network that validation cannot tell from the best one."""

import math

import pandas as pd

from paretoprune.analysis.knee.axes import AxesSpec, floor_of
from paretoprune.analysis.knee.result import KneeResult
from paretoprune.study.metric import ACCURACY

ENOUGH_SEEDS = 3  # from this number on, the standard deviation between seeds is used


def one_se(front: pd.DataFrame, spec: AxesSpec) -> KneeResult:
    """Choose the smallest network within one standard error of the least validation error.

    Source: Breiman, Friedman, Olshen and Stone (1984), "Classification and regression trees",
    section 3.4.3; known as `lambda.1se` in glmnet. Let p be the least error, or 1/(2n) if that is
    larger. The standard error is sqrt(p (1 - p) / n) for n samples; with three seeds or more it
    is their standard deviation divided by sqrt(seeds). If the metric is not accuracy, an error is
    a share of the constant prediction's loss, and its standard error is the same share of the
    loss's. The rule may choose an extreme.
    """
    if front.empty:
        return KneeResult(None, "the study has no network yet that learnt anything")
    error, size = spec.axes
    best = front.iloc[int(front[error].argmin())]
    least = max(float(best[error]), floor_of(error, spec.samples, spec.metric))
    seeds = int(best.get("seeds", 1))
    is_share = spec.metric == ACCURACY
    if seeds >= ENOUGH_SEEDS:
        deviation = float(best[f"{error}_sd"]) / math.sqrt(seeds)
        source = f"{seeds} seeds"
    else:
        deviation = error_of_share(least, spec.samples) if is_share else error_of_loss(best)
        source = f"n = {spec.samples:,} validation {'images' if is_share else 'samples'}"
    good = front[front[error] <= least + deviation]
    form, word = ".3%" if is_share else ".3g", "sparsest" if size == "nonzeros" else "smallest"
    return KneeResult(
        int(good.index[int(good[size].argmin())]),
        f"{word} within one standard error of the least error "
        f"({least:{form}} ± {deviation:{form}}, {source})",
    )


def error_of_share(error: float, samples: int) -> float:
    """Return the standard error of an error rate that was measured on `samples` samples."""
    return math.sqrt(error * (1 - error) / samples)


def error_of_loss(best: pd.Series) -> float:
    """Return the standard error of a mean loss, as a share of the constant prediction's loss."""
    loss = float(best["val_loss"])
    return float(best["val_loss_se"] * best["val_error"]) / loss if loss > 0 else 0.0
