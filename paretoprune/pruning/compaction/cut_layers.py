"""Layers that can lose channels, and how they are cut.

A *plain* layer is one whose numbers alone say what it computes: of torch's own type, without
hooks, run once, sharing no tensor.
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
    """Where a layer holds the channels of a group: its rows, columns or features.

    `places` is [C, n]: of channel c, n > 1 where Flatten has spread it.
    """

    layer: nn.Module
    places: Tensor


@dataclass(frozen=True)
class Group:
    """Channels that go together or stay: whose outputs they are, what they pass, who reads them.

    Producers are all there is of a channel, and consumers all who read it.
    """

    producers: tuple[Use, ...]
    along: tuple[Use, ...]
    consumers: tuple[Use, ...]


def is_hooked(module: nn.Module) -> bool:
    """Whether something else than its forward has a say in what a module returns."""
    return bool(module._forward_hooks or module._forward_pre_hooks)


def plain_layers(network: nn.Module, ran: Iterable[nn.Module]) -> set[nn.Module]:
    """The plain layers among the modules that ran, each named as often as it did."""
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
    """How many channels a layer of `PER_CHANNEL` has numbers for."""
    return int(getattr(layer, _feature_count(layer)))


def is_elementwise(layer: nn.Module) -> bool:
    """Whether a layer of `PER_CHANNEL` treats all channels alike: PReLU with one number."""
    return type(layer) is nn.PReLU and layer.num_parameters == 1


def is_spatial(layer: nn.Module) -> bool:
    """Whether channels are along dimension 1 and have positions, as images do."""
    return not isinstance(layer, nn.Linear)


def weight_of(layer: nn.Module) -> nn.Parameter:
    """The weights of a layer of `WEIGHTED`, [out, in, *kernel]."""
    weight = layer.weight
    assert isinstance(weight, nn.Parameter)
    return weight


def cut(groups: Iterable[Group], gone: Iterable[Tensor]) -> None:
    """Take channels out of all layers of their groups, in place; `gone` is [C] for each group."""
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
    """Leave out `taken` along a dimension of those tensors that the layer has."""
    for name in names:
        old = getattr(layer, name, None)
        if old is None:
            continue
        stays = torch.ones(old.shape[dim], dtype=torch.bool, device=old.device)
        stays[taken.to(old.device)] = False
        new = old.detach()[(slice(None),) * dim + (stays,)]
        is_learned = isinstance(old, nn.Parameter)
        setattr(layer, name, nn.Parameter(new, old.requires_grad) if is_learned else new)
