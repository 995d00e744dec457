"""Comparison of studies and methods: eligibility, effort, and distance to a front."""

__all__ = ["compare", "distance", "effort", "eligibility", "variants"]
