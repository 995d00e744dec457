"""A user's module, as tests write it into the current folder."""

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
