"""The 1,797 handwritten digits of 8 x 8 pixels that ship with scikit-learn: no download."""

from pathlib import Path

import torch
from sklearn.datasets import load_digits

from paretoprune.datasets.parts import Data, Part, split

TEST_SHARE = 0.2
TEST_SEED = 0  # the test images are the same in every study, whatever its seed


def digits(data_dir: Path, validation: float, seed: int) -> Data:
    """Load the digits; scikit-learn names no test images, so a fifth of them is set aside.

    `data_dir` is not needed.
    """
    images, labels = load_digits(return_X_y=True)  # values 0 .. 16
    everything = Part(
        torch.from_numpy(images).to(torch.uint8).view(-1, 1, 8, 8),
        torch.from_numpy(labels).long(),
    )
    rest, test = split(everything, TEST_SHARE, TEST_SEED, "the test share")
    train, held_out = split(rest, validation, seed, "--validation")
    return Data(train, held_out, test, classes=10, white=16.0)
