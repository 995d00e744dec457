"""Methods: ways to trade the two objectives off within one run."""

__all__ = ["gradient_weights"]
