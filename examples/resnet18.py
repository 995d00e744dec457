"""How is torchvision's ResNet-18 pruned on small images? With a first layer that keeps their size.

    paretoprune sweep --model examples.resnet18:model --dataset folder:cifar10

Its data need no code: a folder of images is enough.
"""

from torch import nn
from torchvision.models import resnet18


def model(shape: tuple[int, ...], classes: int) -> nn.Module:
    """ResNet-18 (He et al. 2015) for images of 32 x 32 pixels, [N, *shape] -> [N, classes].

    The original is for 224 x 224: its first layer and its pooling take a sixteenth of the pixels,
    which leaves too few of 32 x 32.
    """
    network = resnet18(num_classes=classes)
    network.conv1 = nn.Conv2d(shape[0], 64, kernel_size=3, padding=1, bias=False)
    network.maxpool = nn.Identity()
    return network
