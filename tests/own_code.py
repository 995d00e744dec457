"""A user's own code: modules that tests write into the current folder."""

import sys
from pathlib import Path

import pytest

TABLE = """
import torch
from torch import nn

def data(seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(300, 4, generator=generator)
    y = x @ torch.tensor([1.0, -2.0, 0.0, 0.0]) + 0.1 * torch.randn(300, generator=generator)
    return (x[:200], y[:200]), (x[200:], y[200:])

def model(shape, classes):
    return nn.Sequential(nn.Linear(shape[0], 16), nn.ReLU(), nn.Linear(16, classes))
"""


@pytest.fixture
def module(monkeypatch):
    """Write a module into the current folder; it is forgotten afterwards."""
    before = list(sys.path)
    written = []

    def write(name: str, text: str) -> None:
        path = Path(*name.split(".")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        written.append(name)
        forget(name)

    def forget(name: str) -> None:
        for known in [one for one in sys.modules if one.split(".")[0] == name.split(".")[0]]:
            del sys.modules[known]

    yield write
    sys.path[:] = before
    for name in written:
        forget(name)
