"""Layers from which channels can be removed, and how they are cut.

A *plain* layer is one whose parameters and buffers alone define what it computes: its type is one
of torch's (no subclass), it has no hooks, it runs once, and it shares no parameter.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d)
PER_CHANNEL = (nn.BatchNorm1d, nn.BatchNorm2d, nn.PReLU)
KINDS = ("producers", "along", "consumers")


@dataclass(frozen=True)
class Use:
    """The indices at which a layer holds the channels of a group: its rows, columns or features.

    `places` has shape [C, n]: the n indices of each channel; n > 1 if Flatten has spread it.
    """

    layer: nn.Module
    places: Tensor


@dataclass(frozen=True)
class Group:
    """Coupled channels: each is removed from all layers of the group, or from none.

    Attributes:
        producers: All layers whose outputs are the channels.
        along: The per-channel layers that they pass.
        consumers: All layers whose inputs are the channels.
    """

    producers: tuple[Use, ...]
    along: tuple[Use, ...]
    consumers: tuple[Use, ...]


def is_hooked(module: nn.Module) -> bool:
    """Return whether hooks may change what a module computes."""
    return bool(module._forward_hooks or module._forward_pre_hooks)


def plain_layers(network: nn.Module, ran: Iterable[nn.Module]) -> set[nn.Module]:
    """Return the plain layers in `ran`, which lists each module once for each time that it ran."""
    owners = Counter(
        id(tensor) for module in network.modules() for tensor in module.parameters(recurse=False)
    )
    return {
        layer
        for layer, times in Counter(ran).items()
        if times == 1
        and type(layer) in WEIGHTED + PER_CHANNEL
        and getattr(layer, "groups", 1) == 1
        and not is_hooked(layer)
        and all(owners[id(tensor)] == 1 for tensor in layer.parameters(recurse=False))
    }


def features_of(layer: nn.Module) -> int:
    """Return the number of channels of a `PER_CHANNEL` layer's parameters."""
    return int(getattr(layer, _feature_count(layer)))


def is_elementwise(layer: nn.Module) -> bool:
    """Return whether a `PER_CHANNEL` layer treats all channels alike: PReLU with one parameter."""
    return type(layer) is nn.PReLU and layer.num_parameters == 1


def is_spatial(layer: nn.Module) -> bool:
    """Return whether channels lie along dimension 1 and have positions, as in images."""
    return not isinstance(layer, nn.Linear)


def weight_of(layer: nn.Module) -> nn.Parameter:
    """Return the weights of a `WEIGHTED` layer, [out, in, *kernel]."""
    weight = layer.weight
    assert isinstance(weight, nn.Parameter)
    return weight


def cut(groups: Iterable[Group], gone: Iterable[Tensor]) -> None:
    """Remove channels from all layers of their groups, in place; `gone` is a mask [C] per group."""
    lost: dict[tuple[nn.Module, str], list[Tensor]] = {}
    for group, channels in zip(groups, gone, strict=True):
        for kind in KINDS:
            for use in getattr(group, kind):
                lost.setdefault((use.layer, kind), []).append(use.places[channels].flatten())
    for (layer, kind), places in lost.items():
        taken = torch.cat(places)
        if len(taken):
            CUTS[kind](layer, taken)


def _without_outputs(layer: nn.Module, taken: Tensor) -> None:
    _keep(layer, ("weight", "bias"), 0, taken)
    name = "out_channels" if is_spatial(layer) else "out_features"
    setattr(layer, name, len(weight_of(layer)))


def _without_inputs(layer: nn.Module, taken: Tensor) -> None:
    _keep(layer, ("weight",), 1, taken)
    name = "in_channels" if is_spatial(layer) else "in_features"
    setattr(layer, name, weight_of(layer).shape[1])


def _without_features(layer: nn.Module, taken: Tensor) -> None:
    _keep(layer, ("weight", "bias", "running_mean", "running_var"), 0, taken)
    setattr(layer, _feature_count(layer), features_of(layer) - len(taken))


def _feature_count(layer: nn.Module) -> str:
    return "num_parameters" if isinstance(layer, nn.PReLU) else "num_features"


CUTS = {
    "producers": _without_outputs,
    "along": _without_features,
    "consumers": _without_inputs,
}


def _keep(layer: nn.Module, names: tuple[str, ...], dim: int, taken: Tensor) -> None:
    """Remove the indices `taken` along a dimension of the named tensors that the layer has."""
    for name in names:
        old = getattr(layer, name, None)
        if old is None:
            continue
        stays = torch.ones(old.shape[dim], dtype=torch.bool, device=old.device)
        stays[taken.to(old.device)] = False
        new = old.detach()[(slice(None),) * dim + (stays,)]
        is_learned = isinstance(old, nn.Parameter)
        setattr(layer, name, nn.Parameter(new, old.requires_grad) if is_learned else new)
