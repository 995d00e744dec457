"""CIFAR-10, read by torchvision.

50,000 training and 10,000 test images of 32 x 32 pixels, in colour and in 10 classes.
"""

import torch

from paretoprune.problem.datasets.downloads import fetch
from paretoprune.problem.datasets.parts import Data, DataConfig, Split, split

FOLDER = "cifar-10-batches-py"
FILES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta")


def cifar10(source: DataConfig) -> Data:
    """Load CIFAR-10 from `data_dir`/cifar-10-batches-py, and download it if anything is missing.

    Raises:
        CouldNotError: If it can be neither read nor downloaded; the message names the files and the
            folder.
    """
    train, test = (_part(source, is_train) for is_train in (True, False))
    rest, held_out = split(train, source.validation, source.seed, "--validation")
    return Data(rest, held_out, test, classes=10, white=255.0)


def _part(source: DataConfig, is_train: bool) -> Split:
    import torchvision  # here, as loading it takes longer than a sweep of the digits

    # The files are pickles, which can execute any code. Torchvision compares their MD5 sums with
    # those of the published files before it opens any of them
    # (`test_a_foreign_cifar10_is_never_unpickled`).
    loaded = fetch(
        lambda: torchvision.datasets.CIFAR10(str(source.data_dir), train=is_train, download=True),
        "CIFAR-10",
        source.data_dir,
        FOLDER,
        FILES,
    )
    images = torch.from_numpy(loaded.data).permute(0, 3, 1, 2)  # [N, H, W, C] -> [N, C, H, W]
    return Split((images.contiguous(),), torch.tensor(loaded.targets))
