"""Comparison of studies and methods: eligibility, effort, and distance to a front."""
