"""Reports on studies: documents for programs, and texts and figures for people."""

__all__ = ["plots", "terminal"]
