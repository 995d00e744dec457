"""Pruning: selection of the weights that count, their penalties and threshold, and what is left."""
