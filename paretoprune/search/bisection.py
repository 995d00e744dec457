"""Bisection search: the mean of the neighbours' λs."""

from collections.abc import Sequence

import pandas as pd

from paretoprune.search.interval_gain import Corner
from paretoprune.search.levels import LevelRules, search_levels
from paretoprune.search.proposal import Proposal, SearchSettings

PAPER_LEVELS = 5


def bisection(points: pd.DataFrame, settings: SearchSettings) -> Proposal:
    """Propose the mean of log λ for each two neighbours (arXiv 2008.13590, section 3.1).

    In the recipe `paper` it is the mean of λ.
    """
    return search_levels(points, settings, middle, PAPER_LEVELS)


def middle(dense: Corner, sparse: Corner, rules: LevelRules) -> Sequence[float]:
    """Return the mean of the neighbours' λs as the only candidate."""
    return (rules.mean(dense.lam, sparse.lam),)
