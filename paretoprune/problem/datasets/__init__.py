"""Data sets, by the name that `--dataset` takes.

A new data set is one file with a function, and one line in `DATASETS`.
"""

from collections.abc import Callable

from paretoprune.problem.datasets.cifar10 import cifar10
from paretoprune.problem.datasets.digits import digits
from paretoprune.problem.datasets.folder import folder
from paretoprune.problem.datasets.mnist import fashion_mnist, mnist
from paretoprune.problem.datasets.parts import Data, DataConfig, Split
from paretoprune.study.dataset_ref import FOLDER

__all__ = ["DATASETS", "Data", "DataConfig", "Split", "parts", "user_data"]

Loader = Callable[[DataConfig], Data]

DATASETS: dict[str, Loader] = {
    "digits": digits,
    "mnist": mnist,
    "fashion-mnist": fashion_mnist,
    "cifar10": cifar10,
    FOLDER: folder,  # folder:PATH
}
