"""Models, by the name that `--model` takes.

A new model is one file with a function, and one line in `MODELS`.
"""

from collections.abc import Callable

from torch import nn

from paretoprune.problem.models.lenet5 import lenet5
from paretoprune.problem.models.lenet5_caffe import lenet5_caffe
from paretoprune.problem.models.lenet300 import mlp
from paretoprune.problem.models.vgg import vgg

ModelBuilder = Callable[[tuple[int, ...], int], nn.Sequential]

MODELS: dict[str, ModelBuilder] = {
    "mlp": mlp,
    "lenet5": lenet5,
    "lenet5-caffe": lenet5_caffe,
    "vgg": vgg,
}
ANY_SHAPE = ("mlp",)  # take inputs of any shape; the others take images

__all__ = ["ANY_SHAPE", "MODELS", "initialization"]
