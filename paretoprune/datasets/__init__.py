"""On what is trained. A new data set: one file with a function, and one line in `DATASETS`."""

from collections.abc import Callable
from pathlib import Path

from paretoprune.datasets.digits import digits
from paretoprune.datasets.mnist import mnist
from paretoprune.datasets.parts import Data, Part

__all__ = ["DATASETS", "Data", "Part"]

# data_dir, share of the training images kept for validation, seed of that split
Loader = Callable[[Path, float, int], Data]

DATASETS: dict[str, Loader] = {
    "digits": digits,
    "mnist": mnist,
}
