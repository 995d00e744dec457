"""Analysis of the table of points, without torch: fronts, knees, ε-constraints and comparisons."""

__all__ = [
    "aggregate",
    "choice",
    "comparison",
    "constraints",
    "indicators",
    "knee",
    "pareto",
    "snapshot",
]
