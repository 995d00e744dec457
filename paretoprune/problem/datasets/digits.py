"""Digits: the 1,797 handwritten digits of 8 x 8 pixels that ship with scikit-learn."""

import torch

from paretoprune.problem.datasets.parts import Data, DataConfig, Split, set_test_aside, split


def digits(source: DataConfig) -> Data:
    """Load the digits; a fifth is set aside for testing, as scikit-learn names no test images."""
    from sklearn.datasets import load_digits  # takes a second, which workers save

    images, labels = load_digits(return_X_y=True)  # values 0 .. 16
    everything = Split(
        (torch.from_numpy(images).to(torch.uint8).view(-1, 1, 8, 8),),
        torch.from_numpy(labels).long(),
    )
    rest, test = set_test_aside(everything)
    train, held_out = split(rest, source.validation, source.seed, "--validation")
    return Data(train, held_out, test, classes=10, white=16.0)
