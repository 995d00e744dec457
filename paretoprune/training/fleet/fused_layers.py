"""Fused layers: stacked counterparts of the layer types, K networks in one call.

Every function takes the layer, its stacked parameters and buffers by local name (`weight` has the
shape `[K, *layer.weight.shape]`), activations `x`, and a key for each network. The shape of the
activations is `[K, B, *features]`, or `[1, B, *features]` as long as all networks see the same
values, as they do at the input. The random numbers of a network come from its key; in evaluation
mode there are no keys (`None`). Every function returns activations of the same form, and raises
`Unsupported` for an option that it does not know.

Images lie in memory as `[B, H, W, K * C]` (channels last), whatever their shape says. This makes
pooling ten times as fast on a CPU, and `_as_images` copies nothing.
"""

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

LEAST_DROPOUT = 2**-17  # a lower rate rounds to 0 in 16 bits

Tensors = Mapping[str, Tensor]
Keys = Sequence[tuple[int, ...]] | None  # (seed, step, layer) of each network


class Unsupported(Exception):
    """Raised by a backend that cannot train an architecture; the message says why."""


def seed_of(key: Sequence[int]) -> int:
    """Hash a key to the 32 bits that torch's generator takes, different for similar keys."""
    return int(np.random.SeedSequence(key).generate_state(1)[0])


def linear(layer: nn.Linear, tensors: Tensors, x: Tensor, keys: Keys) -> Tensor:
    """Apply linear layers: [K, B, *, in] -> [K, B, *, out]."""
    weight = tensors["weight"]  # [K, out, in]
    x = x.expand(len(weight), *x.shape[1:])
    columns = x.flatten(1, -2).transpose(1, 2)  # [K, in, rows]
    # in this order the gradient of the weights has their memory layout
    if layer.bias is None:
        y = torch.bmm(weight, columns)
    else:
        y = torch.baddbmm(tensors["bias"].unsqueeze(2), weight, columns)
    return y.transpose(1, 2).reshape(-1, *x.shape[1:-1], weight.shape[1])


def conv2d(layer: nn.Conv2d, tensors: Tensors, x: Tensor, keys: Keys) -> Tensor:
    """Apply convolutions, with networks as groups: [K, B, C, H, W] -> [K, B, filters, H', W']."""
    if layer.padding_mode != "zeros":
        raise Unsupported(f"{layer} pads with {layer.padding_mode}")
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
    """Apply a layer that treats each channel alone: [K, B, C, H, W] -> [K, B, C, H', W']."""
    return _as_fleet(_with_layout(layer(_as_images(x))), x.shape[0])


def batch_norm(
    layer: nn.BatchNorm1d | nn.BatchNorm2d, tensors: Tensors, x: Tensor, keys: Keys
) -> Tensor:
    """Normalise each channel of each network by its statistics: [K, B, C, *].

    In training mode the running statistics are updated in place.
    """
    if layer.weight is None or layer.running_mean is None or layer.momentum is None:
        raise Unsupported(f"{layer} is not affine, keeps no statistics or has no momentum")
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
    """Apply dropout to activations of any shape; a network's mask depends on its key alone."""
    if layer.inplace:
        raise Unsupported(f"{layer} changes its input, and a fleet's does not")
    if keys is None or layer.p < LEAST_DROPOUT:
        return x
    masks = torch.empty_like(x.expand(len(keys), *x.shape[1:]))
    for mask, key in zip(masks, keys, strict=True):
        in_memory = mask.movedim(1, -1)  # drawing in this order makes the copy fast
        in_memory.copy_(draw_mask(in_memory.shape, 1 - layer.p, key, x))
    return x * masks.div_(1 - layer.p or 1)


def draw_mask(shape: Sequence[int], kept: float, key: Sequence[int], like: Tensor) -> Tensor:
    """Draw a mask of ones, with probability `kept`, and zeros.

    Four numbers come from 64 random bits, which is nine times as fast as `bernoulli_`.

    Args:
        shape: Shape of the mask.
        kept: Probability of a one, rounded to 16 bits.
        key: Key of the random numbers.
        like: A tensor with the type and the device of the mask.
    """
    generator, count = torch.Generator(like.device).manual_seed(seed_of(key)), prod(shape)
    bits = torch.empty(-(-count // 4), dtype=torch.int64, device=like.device)
    numbers = bits.random_(-(2**63), None, generator=generator).view(torch.int16)[:count]
    mask = like.new_empty(shape)
    return torch.lt(numbers.view(shape), round(kept * 2**16) - 2**15, out=mask)


def flatten(layer: nn.Flatten, tensors: Tensors, x: Tensor, keys: Keys) -> Tensor:
    """Flatten the features of each network over the dimensions that the layer names."""
    return flatten_features(x, layer.start_dim, layer.end_dim)


def flatten_features(x: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Flatten activations as `torch.flatten` does; the dimensions are those of one network.

    Raises:
        Unsupported: If the batch would be flattened too.
    """
    if start_dim < 1:
        raise Unsupported("Flatten from dimension 0 mixes the images of a batch")
    return x.flatten(start_dim + 1, end_dim if end_dim < 0 else end_dim + 1)


def elementwise(layer: nn.Module, tensors: Tensors, x: Tensor, keys: Keys) -> Tensor:
    """Apply a layer that treats each number alone, to activations of any shape."""
    y: Tensor = layer(x)
    return y


def channels_last(images: Tensor) -> Tensor:
    """Copy images [B, C, H, W] to the memory layout [B, H, W, C]; other tensors stay as they are.

    This includes images of one channel, which `contiguous` would leave alone.
    """
    if images.dim() != 4:
        return images
    return torch.empty_like(images, memory_format=torch.channels_last).copy_(images)


def _with_layout(images: Tensor) -> Tensor:
    """Return the images, with a hook that restores the memory layout of their gradient.

    A gradient that came through Flatten has lost the layout. Pooling is slow on such a gradient,
    and torch's batch norm of a single image is wrong.
    """
    if images.requires_grad and images.dim() == 4:
        images.register_hook(lambda grad: grad.contiguous(memory_format=torch.channels_last))
    return images


def _as_images(x: Tensor) -> Tensor:
    """Reshape activations to images: [K, B, C, *] -> [B, K * C, *].

    With K = 1 the strides are kept, because they tell the layout of grey images.
    """
    return x.squeeze(0) if x.shape[0] == 1 else x.transpose(0, 1).flatten(1, 2)


def _as_fleet(images: Tensor, networks: int) -> Tensor:
    """Reshape images to activations: [B, K * C, *] -> [K, B, C, *]."""
    separated = images.view(len(images), networks, -1, *images.shape[2:])  # [B, K, C, *]
    return separated.transpose(0, 1)
