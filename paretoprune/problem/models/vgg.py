"""The VGG-like network of the paper's CIFAR-10 experiment."""

from torch import nn

STAGES = ((32, 0.2), (64, 0.3), (128, 0.4))  # filters, dropout


def vgg(shape: tuple[int, ...], classes: int) -> nn.Sequential:
    """Build six 3 x 3 convolutions in three stages, and one dense layer.

    Each convolution is followed by ELU and then batch normalisation, each stage by max pooling and
    dropout. There are 20,480 dense weights for 3 x 32 x 32 images and 10 classes. Source: Reiners
    et al. (arXiv 2008.13590), section 5.2, and their code. `shape` is (channels, height, width).

    Raises:
        ValueError: If the images are too small for three poolings.
    """
    channels, height, width = shape
    if min(height, width) < 8:
        raise ValueError(
            f"vgg needs images of at least 8 x 8 pixels, these are {height} x {width}: "
            "use --model mlp"
        )
    layers: list[nn.Module] = []
    for filters, dropped in STAGES:
        for _ in range(2):
            layers += [
                nn.Conv2d(channels, filters, 3, padding=1),
                nn.ELU(),
                nn.BatchNorm2d(filters),
            ]
            channels = filters
        layers += [nn.MaxPool2d(2), nn.Dropout(dropped)]
    features = channels * (height // 8) * (width // 8)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(features, classes))
