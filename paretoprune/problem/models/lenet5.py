"""LeNet-5 as in the paper's MNIST experiment."""

from torch import nn


def lenet5(shape: tuple[int, ...], classes: int) -> nn.Sequential:
    """Build the paper's LeNet-5: 58,920 dense weights for 1 x 28 x 28 images and 10 classes.

    Source: Reiners et al. (arXiv 2008.13590), section 5.1. `shape` is (channels, height, width).

    Raises:
        ValueError: If the images are too small for two convolutions and two poolings.
    """
    channels, height, width = shape
    if min(height, width) < 10:
        raise ValueError(
            f"lenet5 needs images of at least 10 x 10 pixels, these are {height} x {width}: "
            "use --model mlp"
        )
    rows, columns = ((side - 2) // 2 - 2 for side in (height, width))
    return nn.Sequential(
        nn.Conv2d(channels, 6, 3),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 3),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * (rows // 2) * (columns // 2), 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, classes),
    )
