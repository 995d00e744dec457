"""Methods: how one run trades the two objectives off."""

__all__ = ["gradient_weights"]
