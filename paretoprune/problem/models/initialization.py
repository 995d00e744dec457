"""The initial weights of Keras, which the authors' networks begin with."""

from torch import nn


def glorot(network: nn.Module) -> None:
    """Draw weights from U(-a, a) with a = sqrt(6 / (fan_in + fan_out)), in place; biases are 0.

    Source: Glorot and Bengio (2010), equation 16. For dense layers a is about twice torch's own
    1 / sqrt(fan_in), so that twice the shrinkage is needed to prune a weight that nobody needs.
    """
    for layer in network.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
