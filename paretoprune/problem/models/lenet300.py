"""LeNet-300-100, the fully connected network that most pruning papers report."""

from math import prod

from torch import nn


def mlp(shape: tuple[int, ...], classes: int) -> nn.Sequential:
    """Build LeNet-300-100: 266,200 dense weights for 1 x 28 x 28 images and 10 classes.

    Source: LeCun et al. (1998), figure 9. `shape` is that of one input, such as (channels, height,
    width).
    """
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(prod(shape), 300),
        nn.ReLU(),
        nn.Linear(300, 100),
        nn.ReLU(),
        nn.Linear(100, classes),
    )
