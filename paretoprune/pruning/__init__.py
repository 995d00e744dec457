"""Pruning: selection of the weights that count, their penalties and threshold, and what is left."""

__all__ = ["compaction", "flops", "penalties", "selection", "threshold"]
