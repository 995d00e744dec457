"""Stochastic dichotomic search: the chord's normal, then random λs once it has been tried."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from paretoprune.search.dichotomic import PAPER_LEVELS
from paretoprune.search.interval_gain import Corner, chord_normal
from paretoprune.search.levels import LevelRules, search_levels
from paretoprune.search.proposal import Proposal, SearchSettings

DRAWS = 3  # without success until an interval closes
PAPER_DRAWS = 20  # more than the authors ever trained
PAPER_SHARE = 0.9  # the authors draw the weight of the loss from [0.9 w, w]


def stochastic_dichotomic(points: pd.DataFrame, settings: SearchSettings) -> Proposal:
    """Propose normals of chords, or random λs (arXiv 2008.13590, section 3.3)."""
    return search_levels(points, settings, normal_or_draw, PAPER_LEVELS)


def normal_or_draw(dense: Corner, sparse: Corner, rules: LevelRules) -> Sequence[float]:
    """Return the normal of the chord, then random λs between the neighbours, uniform in log λ.

    The random λs depend only on the study's seed and on the neighbours' λs. In the recipe `paper`
    the weight of the loss is drawn from [0.9 w, w], where w is that of the denser neighbour.
    """
    low, high = sorted((dense.lam, sparse.lam))
    bits = np.array([low, high]).view(np.uint64).tolist()
    draws = np.random.default_rng([rules.seed, *bits]).uniform(
        size=PAPER_DRAWS if rules.is_paper else DRAWS
    )
    if rules.is_paper:
        weight = 1 - dense.lam
        lams = 1 - weight * (PAPER_SHARE + (1 - PAPER_SHARE) * draws)
    else:
        low = max(low, rules.low)
        lams = low * (max(high, low) / low) ** draws
    return (chord_normal(dense, sparse), *(float(lam) for lam in lams))
