"""The sparsest network that is as good as the best one, as far as validation can tell."""

import math

import pandas as pd

from paretoprune.knee.terms import Terms, floor_of
from paretoprune.knee.verdict import Verdict

ENOUGH_SEEDS = 3  # for a standard deviation between them


def one_se(front: pd.DataFrame, terms: Terms) -> Verdict:
    """Take the sparsest network within one standard error of the least validation error.

    Source: Breiman, Friedman, Olshen and Stone (1984), "Classification and regression trees",
    section 3.4.3; as `lambda.1se` of glmnet. With p the least error, at least 1/(2n), the standard
    error is sqrt(p (1 - p) / n) for n images, or with three seeds or more their standard
    deviation / sqrt(seeds). An extreme may be chosen.
    """
    if front.empty:
        return Verdict(None, "the study has no network yet that learnt anything")
    error, size = terms.axes
    best = front.loc[front[error].idxmin()]
    least = max(float(best[error]), floor_of(error, terms.samples))
    seeds = int(best.get("seeds", 1))
    if seeds >= ENOUGH_SEEDS:
        deviation = float(best[f"{error}_sd"]) / math.sqrt(seeds)
        source = f"{seeds} seeds"
    else:
        deviation = math.sqrt(least * (1 - least) / terms.samples)
        source = f"n = {terms.samples:,} validation images"
    good = front[front[error] <= least + deviation]
    return Verdict(
        int(good[size].idxmin()),
        f"sparsest within one standard error of the least error "
        f"({least:.3%} ± {deviation:.3%}, {source})",
    )
