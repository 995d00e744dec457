"""Analysis of the table of points, without torch: fronts, knees, ε-constraints and comparisons."""

__all__ = ["choice", "comparison", "constraints", "knee", "pareto"]
