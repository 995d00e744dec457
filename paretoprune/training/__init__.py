"""Training: K networks at once, from their initial weights to the points of a study."""

__all__ = ["checkpoint", "evaluate", "fleet_size", "methods", "outcome", "prepare", "step", "train"]
