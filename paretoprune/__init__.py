"""paretoprune: how small can a network be, and what does each step smaller cost?"""

__version__ = "0.1.0"
