"""Problem: the model, the data and the loss that a study trains."""

__all__ = ["build", "datasets", "device", "normalization", "problem"]
