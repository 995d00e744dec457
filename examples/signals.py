"""How is a network for signals pruned? A 1-D convolutional one forecasts a nerve cell's voltage.

    paretoprune sweep --model examples.signals:model --dataset examples.signals:data --loss mse

The recording ships with matplotlib: 12,000 steps of a membrane's potential, in which the cell
fires, first regularly, later not.
"""

import numpy as np
import torch
from matplotlib import cbook
from torch import Tensor, nn

SEEN, AHEAD = 96, 16  # steps that the network sees, and that it forecasts
EVERY = 2  # a window begins at each second step
BLOCK = 1000  # steps
# Windows overlap, so whole blocks are kept for validation and for testing: of each a block of the
# regular firing and one of the other. Samples drawn at random would be known from the training.
VALIDATION, TEST = (2, 8), (5, 9)

Part = tuple[Tensor, Tensor]


def data() -> tuple[Part, Part, Part]:
    """Training, validation and test windows: [N, 1, SEEN] each, and what follows, [N, AHEAD]."""
    with cbook.get_sample_data("membrane.dat") as stream:
        blocks = np.frombuffer(stream.read(), np.float32).reshape(-1, BLOCK)
    training = [one for one in range(len(blocks)) if one not in VALIDATION + TEST]
    mean, deviation = blocks[training].mean(), blocks[training].std()
    blocks = (blocks - mean) / deviation
    return windows(blocks[training]), windows(blocks[[*VALIDATION]]), windows(blocks[[*TEST]])


def windows(blocks: np.ndarray) -> Part:
    """What is seen and what follows, wherever both lie in one block, [blocks, BLOCK]."""
    found = torch.from_numpy(blocks).unfold(1, SEEN + AHEAD, EVERY).flatten(0, 1)
    return found[:, None, :SEEN], found[:, SEEN:]


def model(shape: tuple[int, ...], classes: int) -> nn.Module:
    """Three convolutions and a dense layer, [N, 1, SEEN] -> [N, classes]: a number for each step.

    `classes` is how many numbers a target has.
    """
    layers: list[nn.Module] = []
    channels, length = shape
    for filters in (16, 32, 64):
        layers += [
            nn.Conv1d(channels, filters, kernel_size=5, padding=2),
            nn.BatchNorm1d(filters),
            nn.ReLU(),
            nn.MaxPool1d(2),
        ]
        channels, length = filters, length // 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * length, classes))
