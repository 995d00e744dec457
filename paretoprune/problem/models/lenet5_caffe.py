"""LeNet-5 as in Caffe, the convolutional network that most pruning papers report."""

from torch import nn


def lenet5_caffe(shape: tuple[int, ...], classes: int) -> nn.Sequential:
    """Build LeNet-5-Caffe: 430,500 weights for 1 x 28 x 28 images and 10 classes.

    As in Caffe's `lenet.prototxt`, no ReLU follows the convolutions. 405,000 of the weights are
    dense. `shape` is (channels, height, width).

    Raises:
        ValueError: If the images are too small for two convolutions and two poolings.
    """
    channels, height, width = shape
    if min(height, width) < 16:
        raise ValueError(
            f"lenet5-caffe needs images of at least 16 x 16 pixels, these are {height} x {width}: "
            "use --model mlp"
        )
    rows, columns = (((side - 4) // 2 - 4) // 2 for side in (height, width))
    return nn.Sequential(
        nn.Conv2d(channels, 20, 5),
        nn.MaxPool2d(2),
        nn.Conv2d(20, 50, 5),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(50 * rows * columns, 500),
        nn.ReLU(),
        nn.Linear(500, classes),
    )
