"""What is trained. A new model: one file with a function, and one line in `MODELS`."""

from collections.abc import Callable

from torch import nn

from paretoprune.models.lenet5 import lenet5
from paretoprune.models.mlp import mlp

ModelBuilder = Callable[[tuple[int, int, int], int], nn.Sequential]

MODELS: dict[str, ModelBuilder] = {
    "mlp": mlp,
    "lenet5": lenet5,
}
