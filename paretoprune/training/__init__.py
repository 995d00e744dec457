"""Training: K networks at once, from their initial weights to the points of a study."""
