"""On what is trained. A new data set: one file with a function, and one line in `DATASETS`."""

from collections.abc import Callable

from paretoprune.datasets.cifar10 import cifar10
from paretoprune.datasets.digits import digits
from paretoprune.datasets.folder import folder
from paretoprune.datasets.mnist import fashion_mnist, mnist
from paretoprune.datasets.parts import Data, Part, Source
from paretoprune.recipes import FOLDER

__all__ = ["DATASETS", "Data", "Part", "Source"]

Loader = Callable[[Source], Data]

DATASETS: dict[str, Loader] = {
    "digits": digits,
    "mnist": mnist,
    "fashion-mnist": fashion_mnist,
    "cifar10": cifar10,
    FOLDER: folder,  # folder:PATH
}
