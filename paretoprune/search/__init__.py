"""Searches: which λ to try next, without torch.

A new search is one file with a function, and one line in `SEARCHES`.
"""

from paretoprune.search.bisection import bisection
from paretoprune.search.dichotomic import dichotomic
from paretoprune.search.grid import grid
from paretoprune.search.proposal import Interval, Proposal, Search, SearchSettings
from paretoprune.search.sandwich import knee
from paretoprune.search.stochastic_dichotomic import stochastic_dichotomic

__all__ = ["SEARCHES", "Interval", "Proposal", "Search", "SearchSettings", "proposal"]

SEARCHES: dict[str, Search] = {
    "knee": knee,
    "grid": grid,
    "bisection": bisection,
    "dichotomic": dichotomic,
    "stochastic-dichotomic": stochastic_dichotomic,
}
