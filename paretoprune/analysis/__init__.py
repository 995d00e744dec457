"""Analysis of the table of points, without torch: fronts, knees, ε-constraints and comparisons."""
