"""Pruning: which weights count, when they become zero, and what is left."""

__all__ = ["compaction", "flops", "penalties", "selection", "threshold"]
