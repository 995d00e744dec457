"""Report: what people and programs read about a study."""

__all__ = ["plots", "terminal"]
