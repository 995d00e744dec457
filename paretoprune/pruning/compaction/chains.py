"""Coupled channels in a plain chain of layers, found exactly by our own pass."""

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

# Layers that treat each number alone, in evaluation mode.
ELEMENTWISE = (
    *(nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout),
    *(nn.FeatureAlphaDropout, nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.RReLU, nn.ELU, nn.SELU, nn.CELU),
    *(nn.GELU, nn.SiLU, nn.Mish, nn.Sigmoid, nn.LogSigmoid, nn.Tanh, nn.Softplus, nn.Softsign),
    *(nn.Hardtanh, nn.Hardsigmoid, nn.Hardswish, nn.Hardshrink, nn.Softshrink, nn.Tanhshrink),
    nn.Threshold,
)
# Layers that treat each channel alone, with the dimensions that they pool.
POOLS: dict[type[nn.Module], int] = {
    **dict.fromkeys((nn.MaxPool1d, nn.AvgPool1d, nn.AdaptiveMaxPool1d, nn.AdaptiveAvgPool1d), 1),
    **dict.fromkeys((nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveMaxPool2d, nn.AdaptiveAvgPool2d), 2),
}


@dataclass(frozen=True)
class Flow:
    """Where the outputs of a layer are: along dimension `dim`, each at `width` places in a row."""

    producer: nn.Module
    dim: int
    width: int
    along: tuple[Use, ...] = ()

    @property
    def places(self) -> Tensor:
        """[C, width]."""
        weight = weight_of(self.producer)
        count = len(weight) * self.width
        return torch.arange(count, device=weight.device).view(-1, self.width)


def is_chain(network: nn.Module) -> bool:
    """Whether a network is made of Sequentials and layers without parts, and nothing else."""
    if type(network).forward is not nn.Sequential.forward:
        return False
    return not is_hooked(network) and all(
        is_chain(child) or not any(child.children()) for child in network.children()
    )


def leaves_of(network: nn.Module) -> Iterator[nn.Module]:
    """The layers of a chain in their order, also where one of them stands twice."""
    for child in network._modules.values():
        assert child is not None
        if type(child).forward is nn.Sequential.forward:
            yield from leaves_of(child)
        else:
            yield child


@torch.no_grad()
def groups_of(network: nn.Module, x: Tensor) -> list[Group]:
    """The outputs of each layer with what reads them, where both and all between are known.

    `x`, [B, ...], is passed through the network, which must be in evaluation mode, for the shapes.
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
    """The flow of a layer's outputs `y`; none where an image comes without a batch."""
    if not is_spatial(layer):
        return Flow(layer, y.dim() - 1, 1)
    return Flow(layer, 1, 1) if y.dim() == weight_of(layer).dim() else None


def _reads(layer: nn.Module, flow: Flow, x: Tensor) -> bool:
    """Whether the inputs of a layer are the channels of the flow."""
    if not isinstance(layer, WEIGHTED) or weight_of(layer).shape[1] != flow.places.numel():
        return False
    if not is_spatial(layer):
        return flow.dim == x.dim() - 1
    return flow.dim == 1 and x.dim() == weight_of(layer).dim()


def _passed(
    flow: Flow | None, layer: nn.Module, shape: torch.Size, plain: set[nn.Module]
) -> Flow | None:
    """Where the flow is after a layer; none where channels are mixed, or nobody knows."""
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
    """Channels spread over the positions that are flattened into their dimension."""
    start, end = (dim % len(shape) for dim in (layer.start_dim, layer.end_dim))
    if start == end or start > flow.dim:
        return flow
    if start < flow.dim:
        return None
    return replace(flow, width=flow.width * prod(shape[start + 1 : end + 1]))
