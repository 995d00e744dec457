"""The stacked counterpart of each layer type: K networks in one call.

Every function takes the layer, its stacked parameters and buffers by local name (`weight` is
`[K, *layer.weight.shape]`), activations `x` of shape `[K, B, *features]`, or `[1, B, *features]`
while all networks still see the same values, as the input is, and in training mode a key for each
network, from which its random numbers come (`None` in evaluation mode). It returns activations of
the same form, and raises `Unfit` for an option that it does not know.

Images lie in memory as `[B, H, W, K * C]` (channels last), whatever their shape says: pooling is
ten times as fast so on a CPU, and `_as_images` copies nothing.
"""

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

LEAST_DROPOUT = 2**-17  # less is nothing in numbers of 16 bits

Tensors = Mapping[str, Tensor]
Keys = Sequence[tuple[int, ...]] | None  # (seed, step, layer) of each network


class Unfit(Exception):
    """A way to train a fleet cannot train this architecture; the message says why."""


def seed_of(key: Sequence[int]) -> int:
    """Torch's generator takes 32 bits; neighbouring keys must not share them."""
    return int(np.random.SeedSequence(key).generate_state(1)[0])


def linear(layer: nn.Linear, tensors: Tensors, x: Tensor, keys: Keys) -> Tensor:
    """[K, B, *, in] -> [K, B, *, out]."""
    weight = tensors["weight"]  # [K, out, in]
    x = x.expand(len(weight), *x.shape[1:])
    columns = x.flatten(1, -2).transpose(1, 2)  # [K, in, rows]
    # this way round the gradient of the weights lies in memory as they do
    if layer.bias is None:
        y = torch.bmm(weight, columns)
    else:
        y = torch.baddbmm(tensors["bias"].unsqueeze(2), weight, columns)
    return y.transpose(1, 2).reshape(-1, *x.shape[1:-1], weight.shape[1])


def conv2d(layer: nn.Conv2d, tensors: Tensors, x: Tensor, keys: Keys) -> Tensor:
    """[K, B, C, H, W] -> [K, B, filters, H', W']; the networks are groups."""
    if layer.padding_mode != "zeros":
        raise Unfit(f"{layer} pads with {layer.padding_mode}")
    weight = tensors["weight"]  # [K, filters, C, kernel, kernel]
    networks = weight.shape[0]
    if layer.groups > 1:
        x = x.expand(networks, *x.shape[1:])
    y = functional.conv2d(
        _as_images(x).contiguous(memory_format=torch.channels_last),
        weight.flatten(0, 1),
        tensors["bias"].flatten() if layer.bias is not None else None,
        layer.stride,
        layer.padding,
        layer.dilation,
        groups=x.shape[0] * layer.groups,
    )
    return _as_fleet(y, networks)


def pool2d(layer: nn.Module, tensors: Tensors, x: Tensor, keys: Keys) -> Tensor:
    """[K, B, C, H, W] -> [K, B, C, H', W'], for layers that treat each channel alone."""
    return _as_fleet(_with_layout(layer(_as_images(x))), x.shape[0])


def batch_norm(
    layer: nn.BatchNorm1d | nn.BatchNorm2d, tensors: Tensors, x: Tensor, keys: Keys
) -> Tensor:
    """[K, B, C, *]; a channel of a network is normalised by its own statistics.

    In training mode the running statistics are updated in place.
    """
    if layer.weight is None or layer.running_mean is None or layer.momentum is None:
        raise Unfit(f"{layer} is not affine, keeps no statistics or has no momentum")
    networks = tensors["weight"].shape[0]
    if keys is not None:
        tensors["num_batches_tracked"].add_(1)
    images = _as_images(x.expand(networks, *x.shape[1:]))
    if len(images) == 1 and images.dim() == 4:  # torch's gradient is wrong for some other strides
        images = images.clone(memory_format=torch.channels_last)
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
    return _as_fleet(_with_layout(normalised), networks)


def dropout(layer: nn.Dropout, tensors: Tensors, x: Tensor, keys: Keys) -> Tensor:
    """Any shape; each network has a mask of its own, which its key alone decides."""
    if layer.inplace:
        raise Unfit(f"{layer} changes its input, and a fleet's does not")
    if keys is None or layer.p < LEAST_DROPOUT:
        return x
    masks = torch.empty_like(x.expand(len(keys), *x.shape[1:]))
    for mask, key in zip(masks, keys, strict=True):
        in_memory = mask.movedim(1, -1)  # drawn in this order, the copy is fast
        in_memory.copy_(draw_mask(in_memory.shape, 1 - layer.p, key, x))
    return x * masks.div_(1 - layer.p or 1)


def draw_mask(shape: Sequence[int], kept: float, key: Sequence[int], like: Tensor) -> Tensor:
    """Ones with probability `kept`, to 16 bits, and zeros; of the type and device of `like`.

    Four numbers come from 64 random bits, nine times as fast as `bernoulli_`.
    """
    generator, count = torch.Generator(like.device).manual_seed(seed_of(key)), prod(shape)
    bits = torch.empty(-(-count // 4), dtype=torch.int64, device=like.device)
    numbers = bits.random_(-(2**63), None, generator=generator).view(torch.int16)[:count]
    mask = like.new_empty(shape)
    return torch.lt(numbers.view(shape), round(kept * 2**16) - 2**15, out=mask)


def flatten(layer: nn.Flatten, tensors: Tensors, x: Tensor, keys: Keys) -> Tensor:
    """[K, B, *features] -> [K, B, *some of them, product of the others]."""
    return flatten_features(x, layer.start_dim, layer.end_dim)


def flatten_features(x: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """`torch.flatten` of all but the batch, by the dimensions that a network names."""
    if start_dim < 1:
        raise Unfit("Flatten from dimension 0 mixes the images of a batch")
    return x.flatten(start_dim + 1, end_dim if end_dim < 0 else end_dim + 1)


def elementwise(layer: nn.Module, tensors: Tensors, x: Tensor, keys: Keys) -> Tensor:
    """Any shape; for layers that treat each number alone."""
    y: Tensor = layer(x)
    return y


def channels_last(images: Tensor) -> Tensor:
    """[B, C, H, W], in memory [B, H, W, C]; of one channel too, which `contiguous` leaves alone."""
    if images.dim() != 4:
        return images
    return torch.empty_like(images, memory_format=torch.channels_last).copy_(images)


def _with_layout(images: Tensor) -> Tensor:
    """The same, but for a gradient that came through Flatten and has lost the layout.

    Pooling is slow on such a one, and torch's batch norm of a single image wrong.
    """
    if images.requires_grad and images.dim() == 4:
        images.register_hook(lambda own: own.contiguous(memory_format=torch.channels_last))
    return images


def _as_images(x: Tensor) -> Tensor:
    """[K, B, C, *] -> [B, K * C, *]; of K = 1 the strides stay, which tell grey images' layout."""
    return x.squeeze(0) if x.shape[0] == 1 else x.transpose(0, 1).flatten(1, 2)


def _as_fleet(images: Tensor, networks: int) -> Tensor:
    apart = images.view(len(images), networks, -1, *images.shape[2:])  # [B, K, C, *]
    return apart.transpose(0, 1)
