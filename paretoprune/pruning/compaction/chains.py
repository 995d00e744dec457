"""Coupled channels of a chain of layers, found exactly and without torch_pruning."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod

import torch
from torch import Tensor, nn

from paretoprune.pruning.compaction.cut_layers import (
    PER_CHANNEL,
    WEIGHTED,
    Group,
    Use,
    features_of,
    is_elementwise,
    is_hooked,
    is_spatial,
    plain_layers,
    weight_of,
)

# Layers that treat each value independently in evaluation mode.
ELEMENTWISE = (
    *(nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout),
    *(nn.FeatureAlphaDropout, nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.RReLU, nn.ELU, nn.SELU, nn.CELU),
    *(nn.GELU, nn.SiLU, nn.Mish, nn.Sigmoid, nn.LogSigmoid, nn.Tanh, nn.Softplus, nn.Softsign),
    *(nn.Hardtanh, nn.Hardsigmoid, nn.Hardswish, nn.Hardshrink, nn.Softshrink, nn.Tanhshrink),
    nn.Threshold,
)
# Layers that treat each channel independently, with the number of dimensions that they pool.
POOLS: dict[type[nn.Module], int] = {
    **dict.fromkeys((nn.MaxPool1d, nn.AvgPool1d, nn.AdaptiveMaxPool1d, nn.AdaptiveAvgPool1d), 1),
    **dict.fromkeys((nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveMaxPool2d, nn.AdaptiveAvgPool2d), 2),
}


@dataclass(frozen=True)
class Flow:
    """Position of a layer's outputs in the current tensor.

    Attributes:
        producer: The layer whose outputs are followed.
        dim: The dimension along which they lie.
        width: Number of consecutive indices that each output takes up.
        along: The per-channel layers that the outputs have passed.
    """

    producer: nn.Module
    dim: int
    width: int
    along: tuple[Use, ...] = ()

    @property
    def places(self) -> Tensor:
        """The indices of each channel, [C, width]."""
        weight = weight_of(self.producer)
        count = len(weight) * self.width
        return torch.arange(count, device=weight.device).view(-1, self.width)


def is_chain(network: nn.Module) -> bool:
    """Return whether a network consists only of Sequentials and layers without submodules."""
    if type(network).forward is not nn.Sequential.forward:
        return False
    return not is_hooked(network) and all(
        is_chain(child) or not any(child.children()) for child in network.children()
    )


def leaves_of(network: nn.Module) -> Iterator[nn.Module]:
    """Yield the layers of a chain in order; a layer that occurs twice is yielded twice."""
    for child in network._modules.values():
        assert child is not None
        if type(child).forward is nn.Sequential.forward:
            yield from leaves_of(child)
        else:
            yield child


@torch.no_grad()
def groups_of(network: nn.Module, x: Tensor) -> list[Group]:
    """Return the groups of channels whose producer, consumer and layers in between are all known.

    The network must be in evaluation mode. `x`, [B, ...], is passed through it for the shapes.
    """
    layers = list(leaves_of(network))
    plain = plain_layers(network, layers)
    groups: list[Group] = []
    flow: Flow | None = None
    for layer in layers:
        if flow is not None and layer in plain and _reads(layer, flow, x):
            consumer = Use(layer, flow.places)
            groups.append(Group((Use(flow.producer, _rows(flow)),), flow.along, (consumer,)))
        shape, x = x.shape, layer(x)
        is_producer = layer in plain and isinstance(layer, WEIGHTED)
        flow = _begin(layer, x) if is_producer else _passed(flow, layer, shape, plain)
    return groups


def _rows(flow: Flow) -> Tensor:
    return replace(flow, width=1).places


def _begin(layer: nn.Module, y: Tensor) -> Flow | None:
    """Return the flow of a layer's outputs `y`, or `None` for an image without a batch."""
    if not is_spatial(layer):
        return Flow(layer, y.dim() - 1, 1)
    return Flow(layer, 1, 1) if y.dim() == weight_of(layer).dim() else None


def _reads(layer: nn.Module, flow: Flow, x: Tensor) -> bool:
    """Return whether the inputs of a layer are the channels of the flow."""
    if not isinstance(layer, WEIGHTED) or weight_of(layer).shape[1] != flow.places.numel():
        return False
    if not is_spatial(layer):
        return flow.dim == x.dim() - 1
    return flow.dim == 1 and x.dim() == weight_of(layer).dim()


def _passed(
    flow: Flow | None, layer: nn.Module, shape: torch.Size, plain: set[nn.Module]
) -> Flow | None:
    """Return the flow after a layer, or `None` if it mixes channels or is unknown."""
    if flow is None or is_hooked(layer):
        return None
    if type(layer) in ELEMENTWISE or is_elementwise(layer):
        return flow
    if layer in plain and isinstance(layer, PER_CHANNEL):
        fits = flow.dim == 1 and features_of(layer) == flow.places.numel()
        return replace(flow, along=(*flow.along, Use(layer, flow.places))) if fits else None
    if type(layer) in POOLS:
        fits = flow.dim == 1 and len(shape) == POOLS[type(layer)] + 2
        return flow if fits and not getattr(layer, "return_indices", False) else None
    return _flattened(flow, layer, shape) if type(layer) is nn.Flatten else None


def _flattened(flow: Flow, layer: nn.Flatten, shape: torch.Size) -> Flow | None:
    """Return the flow after `Flatten`, which spreads channels over the flattened positions.

    It is `None` if a dimension before that of the channels is flattened.
    """
    start, end = (dim % len(shape) for dim in (layer.start_dim, layer.end_dim))
    if start == end or start > flow.dim:
        return flow
    if start < flow.dim:
        return None
    return replace(flow, width=flow.width * prod(shape[start + 1 : end + 1]))
