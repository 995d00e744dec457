"""Dichotomic search: the λ at which both neighbours have the same weighted sum."""

from collections.abc import Sequence

import pandas as pd

from paretoprune.search.interval_gain import Corner, chord_normal
from paretoprune.search.levels import LevelRules, search_levels
from paretoprune.search.proposal import Proposal, SearchSettings

PAPER_LEVELS = 15


def dichotomic(points: pd.DataFrame, settings: SearchSettings) -> Proposal:
    """Propose the normal of each chord (Aneja and Nair, 1979; arXiv 2008.13590, section 3.2)."""
    return search_levels(points, settings, normal, PAPER_LEVELS)


def normal(dense: Corner, sparse: Corner, rules: LevelRules) -> Sequence[float]:
    """Return the normal of the chord as the only candidate, regardless of the neighbours' λs."""
    return (chord_normal(dense, sparse),)
