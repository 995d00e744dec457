"""The stacked counterpart of each layer type: K networks in one call.

Every function takes the layer, its stacked parameters by local name (`weight` is
`[K, *layer.weight.shape]`) and activations `x` of shape `[K, B, *features]`, or
`[1, B, *features]` while all networks still see the same values, as the input is. It returns
activations of the same form. Images lie in memory as `[B, K * C, H, W]`, which is what a grouped
convolution wants, so that `_as_images` copies nothing.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

Parameters = Mapping[str, Tensor]


def linear(layer: nn.Linear, parameters: Parameters, x: Tensor) -> Tensor:
    """[K, B, in] -> [K, B, out]."""
    weight = parameters["weight"]  # [K, out, in]
    if x.shape[0] == 1:  # one wide product is faster than K narrow ones
        wide = functional.linear(x[0], weight.flatten(0, 1))  # [B, K * out]
        y = wide.view(len(wide), *weight.shape[:2]).transpose(0, 1)
    else:
        y = torch.bmm(x, weight.transpose(1, 2))
    return y + parameters["bias"].unsqueeze(1) if layer.bias is not None else y


def conv2d(layer: nn.Conv2d, parameters: Parameters, x: Tensor) -> Tensor:
    """[K, B, C, H, W] -> [K, B, filters, H', W']; the networks are the groups."""
    if layer.groups != 1 or layer.padding_mode != "zeros":
        raise TypeError(f"no stacked counterpart for {layer}: groups and padding modes are missing")
    weight = parameters["weight"]  # [K, filters, C, kernel, kernel]
    bias = parameters["bias"].flatten() if layer.bias is not None else None
    y = functional.conv2d(
        _as_images(x),
        weight.flatten(0, 1),
        bias,
        layer.stride,
        layer.padding,
        layer.dilation,
        groups=x.shape[0],
    )
    return _as_fleet(y, weight.shape[0])


def avg_pool2d(layer: nn.AvgPool2d, parameters: Parameters, x: Tensor) -> Tensor:
    """[K, B, C, H, W] -> [K, B, C, H', W']."""
    return _as_fleet(layer(_as_images(x)), x.shape[0])


def flatten(layer: nn.Flatten, parameters: Parameters, x: Tensor) -> Tensor:
    """[K, B, *features] -> [K, B, product of features]."""
    if (layer.start_dim, layer.end_dim) != (1, -1):
        raise TypeError(f"no stacked counterpart for {layer}: only Flatten() has one")
    return x.flatten(2)


def elementwise(layer: nn.Module, parameters: Parameters, x: Tensor) -> Tensor:
    """Any shape; for layers that treat each number alone."""
    y: Tensor = layer(x)
    return y


def _as_images(x: Tensor) -> Tensor:
    return x.transpose(0, 1).flatten(1, 2)  # [K, B, C, H, W] -> [B, K * C, H, W]


def _as_fleet(images: Tensor, networks: int) -> Tensor:
    batch, channels, height, width = images.shape
    stacked = images.view(batch, networks, channels // networks, height, width)
    return stacked.transpose(0, 1)
