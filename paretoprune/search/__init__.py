"""Which lam next? A new search: one file with a function, and one line in `SEARCHES`."""

from paretoprune.search.grid import grid
from paretoprune.search.knee import knee
from paretoprune.search.proposal import Interval, Proposal, Search, SearchSettings

__all__ = ["SEARCHES", "Interval", "Proposal", "Search", "SearchSettings"]

SEARCHES: dict[str, Search] = {
    "knee": knee,
    "grid": grid,
}
