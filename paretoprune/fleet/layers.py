"""The stacked counterpart of each layer type: K networks in one call.

Every function takes the layer, its stacked parameters and buffers by local name (`weight` is
`[K, *layer.weight.shape]`), activations `x` of shape `[K, B, *features]`, or `[1, B, *features]`
while all networks still see the same values, as the input is, and in training mode a key for each
network, from which its random numbers come (`None` in evaluation mode). It returns activations of
the same form. Images lie in memory as `[B, K * C, H, W]`, which is what a grouped convolution
wants, so that `_as_images` copies nothing.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

Tensors = Mapping[str, Tensor]
Keys = Sequence[tuple[int, int, int]] | None  # (seed, step, layer) of each network


def linear(layer: nn.Linear, tensors: Tensors, x: Tensor, keys: Keys) -> Tensor:
    """[K, B, in] -> [K, B, out]."""
    weight = tensors["weight"]  # [K, out, in]
    if x.shape[0] == 1:  # one wide product is faster than K narrow ones
        wide = functional.linear(x[0], weight.flatten(0, 1))  # [B, K * out]
        y = wide.view(len(wide), *weight.shape[:2]).transpose(0, 1)
    else:
        y = torch.bmm(x, weight.transpose(1, 2))
    return y + tensors["bias"].unsqueeze(1) if layer.bias is not None else y


def conv2d(layer: nn.Conv2d, tensors: Tensors, x: Tensor, keys: Keys) -> Tensor:
    """[K, B, C, H, W] -> [K, B, filters, H', W']; the networks are the groups."""
    if layer.groups != 1 or layer.padding_mode != "zeros":
        raise TypeError(f"no stacked counterpart for {layer}: groups and padding modes are missing")
    weight = tensors["weight"]  # [K, filters, C, kernel, kernel]
    bias = tensors["bias"].flatten() if layer.bias is not None else None
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


def pool2d(layer: nn.AvgPool2d | nn.MaxPool2d, tensors: Tensors, x: Tensor, keys: Keys) -> Tensor:
    """[K, B, C, H, W] -> [K, B, C, H', W']."""
    return _as_fleet(layer(_as_images(x)), x.shape[0])


def batch_norm2d(layer: nn.BatchNorm2d, tensors: Tensors, x: Tensor, keys: Keys) -> Tensor:
    """[K, B, C, H, W]; a channel of a network is normalised by its own statistics.

    In training mode the running statistics are updated in place.
    """
    if layer.weight is None or layer.running_mean is None or layer.momentum is None:
        raise TypeError(f"no stacked counterpart for {layer}: it must be affine, with momentum")
    networks = tensors["weight"].shape[0]
    if keys is not None:
        tensors["num_batches_tracked"].add_(1)
    images = _as_images(x.expand(networks, *x.shape[1:]))
    normalised = functional.batch_norm(
        images,
        tensors["running_mean"].view(-1),
        tensors["running_var"].view(-1),
        tensors["weight"].flatten(),
        tensors["bias"].flatten(),
        training=keys is not None,
        momentum=layer.momentum,
        eps=layer.eps,
    )
    return _as_fleet(normalised, networks)


def dropout(layer: nn.Dropout, tensors: Tensors, x: Tensor, keys: Keys) -> Tensor:
    """Any shape; each network has a mask of its own, which its key alone decides."""
    if keys is None or layer.p == 0:
        return x
    kept = 1 - layer.p
    generator = torch.Generator(x.device)
    masks = torch.empty(x.shape[1], len(keys), *x.shape[2:], dtype=x.dtype, device=x.device)
    for mask, key in zip(masks.unbind(1), keys, strict=True):
        # torch's generator takes 32 bits: neighbouring keys must not share them
        generator.manual_seed(int(np.random.SeedSequence(key).generate_state(1)[0]))
        mask.copy_(
            torch.empty_like(mask, memory_format=torch.contiguous_format).bernoulli_(
                kept, generator=generator
            )
        )
    return x * masks.transpose(0, 1).div_(kept)


def flatten(layer: nn.Flatten, tensors: Tensors, x: Tensor, keys: Keys) -> Tensor:
    """[K, B, *features] -> [K, B, product of features]."""
    if (layer.start_dim, layer.end_dim) != (1, -1):
        raise TypeError(f"no stacked counterpart for {layer}: only Flatten() has one")
    return x.flatten(2)


def elementwise(layer: nn.Module, tensors: Tensors, x: Tensor, keys: Keys) -> Tensor:
    """Any shape; for layers that treat each number alone."""
    y: Tensor = layer(x)
    return y


def _as_images(x: Tensor) -> Tensor:
    return x.transpose(0, 1).flatten(1, 2)  # [K, B, C, H, W] -> [B, K * C, H, W]


def _as_fleet(images: Tensor, networks: int) -> Tensor:
    batch, channels, height, width = images.shape
    stacked = images.view(batch, networks, channels // networks, height, width)
    return stacked.transpose(0, 1)
