"""K networks as one: stacked parameters, and the forward pass of all of them.

A new fused layer: one function in `layers.py`, and one line in `LAYERS`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from paretoprune.errors import UsageError
from paretoprune.fleet import layers

LAYERS: dict[type[nn.Module], Callable[..., Tensor]] = {
    nn.Linear: layers.linear,
    nn.Conv2d: layers.conv2d,
    nn.AvgPool2d: layers.avg_pool2d,
    nn.Flatten: layers.flatten,
    nn.ReLU: layers.elementwise,
}


@dataclass(frozen=True)
class Fleet:
    """K networks of one architecture.

    `parameters` holds each parameter of the architecture as one leaf tensor `[K, *shape]`, by the
    name that it has in `architecture`.
    """

    architecture: nn.Sequential
    parameters: dict[str, Tensor]

    def forward(self, images: Tensor) -> Tensor:
        """[B, C, H, W] -> the logits of all networks, [K, B, classes]."""
        x = images.unsqueeze(0)
        for name, layer in self.architecture.named_children():
            local = {
                parameter: self.parameters[f"{name}.{parameter}"]
                for parameter, _ in layer.named_parameters()
            }
            x = LAYERS[type(layer)](layer, local, x)
        return x


def stack(networks: Sequence[nn.Sequential]) -> Fleet:
    """Stack networks of one architecture; their parameters are copied.

    Raises `UsageError` where a layer has no stacked counterpart.
    """
    missing = {type(layer).__name__ for layer in networks[0] if type(layer) not in LAYERS}
    if missing:
        raise UsageError(
            f"the model has layers that a fleet cannot train: {', '.join(sorted(missing))}"
        )
    states = [dict(network.named_parameters()) for network in networks]
    parameters = {
        name: torch.stack([state[name].detach() for state in states]).requires_grad_()
        for name in states[0]
    }
    return Fleet(networks[0], parameters)
