"""The sparsest network that is as good as the best one, as far as validation can tell."""

import math

import pandas as pd

from paretoprune.analysis.knee.axes import Terms, floor_of
from paretoprune.analysis.knee.result import Verdict
from paretoprune.study.metric import ACCURACY

ENOUGH_SEEDS = 3  # for a standard deviation between them


def one_se(front: pd.DataFrame, terms: Terms) -> Verdict:
    """Take the smallest network within one standard error of the least validation error.

    Source: Breiman, Friedman, Olshen and Stone (1984), "Classification and regression trees",
    section 3.4.3; as `lambda.1se` of glmnet. With p the least error, at least 1/(2n), the standard
    error is sqrt(p (1 - p) / n) for n images, or with three seeds or more their standard
    deviation / sqrt(seeds). An error that is a share of the constant prediction's loss has that of
    the loss, in the same share. An extreme may be chosen.
    """
    if front.empty:
        return Verdict(None, "the study has no network yet that learnt anything")
    error, size = terms.axes
    best = front.loc[front[error].idxmin()]
    least = max(float(best[error]), floor_of(error, terms.samples, terms.quality))
    seeds = int(best.get("seeds", 1))
    is_share = terms.quality == ACCURACY
    if seeds >= ENOUGH_SEEDS:
        deviation = float(best[f"{error}_sd"]) / math.sqrt(seeds)
        source = f"{seeds} seeds"
    else:
        deviation = of_samples(least, terms.samples) if is_share else of_losses(best)
        source = f"n = {terms.samples:,} validation {'images' if is_share else 'samples'}"
    good = front[front[error] <= least + deviation]
    form, word = ".3%" if is_share else ".3g", "sparsest" if size == "nonzeros" else "smallest"
    return Verdict(
        int(good[size].idxmin()),
        f"{word} within one standard error of the least error "
        f"({least:{form}} ± {deviation:{form}}, {source})",
    )


def of_samples(error: float, samples: int) -> float:
    """The standard error of a share of samples."""
    return math.sqrt(error * (1 - error) / samples)


def of_losses(best: pd.Series) -> float:
    """The standard error of a mean loss, as a share of the constant prediction's."""
    loss = float(best["val_loss"])
    return float(best["val_loss_se"] * best["val_error"]) / loss if loss > 0 else 0.0
