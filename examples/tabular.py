"""How is a network for tables pruned? An MLP predicts how diabetes goes on, a regression.

    paretoprune sweep --model examples.tabular:model --dataset examples.tabular:data \
        --loss mse --inputs standard

The data ship with scikit-learn: 442 patients, 10 numbers of each (Efron et al. 2004).
"""

import torch
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

TEST = 0.2  # share of the patients

Part = tuple[Tensor, Tensor]


def data() -> tuple[Part, Part]:
    """Training and test patients: [N, 10], and the progression a year later, [N].

    `--inputs standard` scales the inputs by the training data; nothing scales targets, so that is
    done here, also by the training data: a loss of 1 is that of the best constant prediction.
    """
    inputs, targets = map(torch.from_numpy, load_diabetes(return_X_y=True, scaled=False))
    train, test = train_test_split(torch.arange(len(targets)), test_size=TEST, random_state=0)
    mean, deviation = targets[train].mean(), targets[train].std()
    targets = (targets - mean) / deviation
    return (inputs[train], targets[train]), (inputs[test], targets[test])


def model(shape: tuple[int, ...]) -> nn.Module:
    """Two hidden layers, [N, 10] -> [N, 1]."""
    return nn.Sequential(
        nn.Linear(shape[0], 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1)
    )
