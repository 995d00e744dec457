"""Glorot initialization: Keras's initial weights, with which the authors' networks start."""

from torch import nn


def glorot(network: nn.Module) -> None:
    """Draw the weights of linear and convolutional layers from U(-a, a), in place; biases are 0.

    The bound is a = sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010, equation 16). For dense
    layers it is about twice torch's default bound, 1 / sqrt(fan_in), so pruning an unneeded weight
    takes about twice the shrinkage.
    """
    for layer in network.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
