"""Which channels of any network are coupled? torch_pruning's answer, where it can be trusted.

It follows the gradients' graph (Fang et al., DepGraph, CVPR 2023, arXiv 2301.12900) and takes
every operation that it does not know for one that treats each number alone. So only those groups
are used whose layers and operations are known here to treat each channel alone.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch_pruning import DependencyGraph

from paretoprune.compact.layers import (
    KINDS,
    PER_CHANNEL,
    WEIGHTED,
    Group,
    Use,
    features_of,
    is_spatial,
    plain_layers,
    weight_of,
)

# Names under which autograd records operations, without "Backward" and a number.
ALONE = {  # each number alone, or each channel
    *("Add", "Sub", "Mul", "Div", "Maximum", "Minimum", "Clamp", "Clone", "Squeeze", "Unsqueeze"),
    *("Relu", "Elu", "Celu", "LeakyRelu", "PreluKernel", "Gelu", "Silu", "Mish", "Softplus"),
    *("Sigmoid", "Tanh", "Hardtanh", "Hardswish", "Hardsigmoid"),
    *("MaxPool2DWithIndices", "AvgPool2D", "AdaptiveAvgPool2D", "AdaptiveMaxPool2D"),
    *("UpsampleNearest2D", "UpsampleBilinear2D"),
}
ALONG_DIMENSIONS = {"Mean", "Cat"}
VIEWS = {"View", "UnsafeView", "ReshapeAlias"}
PRODUCTS = {"Addmm", "Mm"}  # what a Linear layer calls


@dataclass(frozen=True)
class Trace:
    """What was found out about a network: the graph, the plain layers, where the outputs are."""

    graph: Any
    plain: set[nn.Module]
    ends: list[Any]


def trace(network: nn.Module, inputs: tuple[Tensor, ...]) -> Trace:
    """Follow a network, which must be in evaluation mode; raises whatever torch_pruning does."""
    ran: list[nn.Module] = []
    ends: list[Any] = []

    def forward(network: nn.Module, inputs: tuple[Tensor, ...]) -> list[Tensor]:
        outputs = [one for one in tensors_of(network(*inputs)) if one.grad_fn is not None]
        if not outputs:
            raise ValueError("no gradient passes through it")
        ends.extend(output.grad_fn for output in outputs)
        return outputs

    candidates = plain_layers(network, network.modules())  # before there are hooks of ours
    handles = [
        layer.register_forward_pre_hook(lambda layer, _: ran.append(layer)) for layer in candidates
    ]
    graph = DependencyGraph()
    with traceable(network):
        graph.build_dependency(network, inputs, forward_fn=forward, verbose=False)
    for handle in handles:
        handle.remove()
    return Trace(graph, plain_layers(network, ran), ends)


@contextmanager
def traceable(network: nn.Module) -> Iterator[None]:
    """Gradients of all numbers for a while, and no layer that overwrites its input."""
    frozen = [one for one in network.parameters() if not one.requires_grad]
    inplace = [module for module in network.modules() if getattr(module, "inplace", False)]
    for module in inplace:
        setattr(module, "inplace", False)  # noqa: B010, mypy takes it for a tensor
    for one in frozen:
        one.requires_grad_(one.is_floating_point())
    with torch.enable_grad():
        yield
    for one in frozen:
        one.requires_grad_(False)
    for module in inplace:
        setattr(module, "inplace", True)  # noqa: B010


def tensors_of(outputs: Any) -> list[Tensor]:
    """All tensors of what a network returns."""
    if isinstance(outputs, Tensor):
        return [outputs]
    if isinstance(outputs, dict):
        outputs = outputs.values()
    return [tensor for one in outputs for tensor in tensors_of(one)]


def groups_of(traced: Trace) -> list[Group]:
    """Those groups of channels of which everything is known."""
    groups: list[Group] = []
    seen: set[nn.Module] = set()
    for layer in traced.graph.module2node:
        if layer in traced.plain and layer not in seen and isinstance(layer, WEIGHTED):
            items = _coupled(traced.graph, layer, range(len(weight_of(layer))))
            seen |= {item.dep.target.module for item in items if _kind(item) == "producers"}
            if _is_followed(traced, items):
                groups += _group(items, weight_of(layer))
    return groups


def check_closed(traced: Trace, groups: Sequence[Group], gone: Sequence[Tensor]) -> None:
    """Raise `ValueError` where channels that go are coupled with others that stay."""
    for group, channels in zip(groups, gone, strict=True):
        root = group.producers[0].layer
        items = _coupled(traced.graph, root, channels.nonzero().flatten().tolist())
        found = {(item.dep.target.module, _kind(item)): set(item.idxs) for item in items}
        for kind in KINDS:
            for use in getattr(group, kind):
                places = set(use.places[channels].flatten().tolist())
                if found.get((use.layer, kind), set()) != places:
                    raise ValueError(f"some outputs of {root} are coupled with others of its own")


def _coupled(graph: Any, layer: nn.Module, channels: Sequence[int]) -> list[Any]:
    """All that loses something where a layer loses outputs, and what lies between."""
    if not channels:
        return []
    take = graph.get_pruner_of_module(layer).prune_out_channels
    return list(graph.get_pruning_group(layer, take, channels).items)


def _kind(item: Any) -> str:
    """What a layer is to the channels of a group; "" for an operation."""
    layer = item.dep.target.module
    if isinstance(layer, WEIGHTED):
        is_reader = item.dep.handler.__name__ == "prune_in_channels"
        return "consumers" if is_reader else "producers"
    return "along" if isinstance(layer, PER_CHANNEL) else ""


def _is_followed(traced: Trace, items: Sequence[Any]) -> bool:
    """Whether all layers are plain, all operations known, and no channel is an output."""
    spatial = any(
        _kind(item) == "producers" and is_spatial(item.dep.target.module) for item in items
    )
    for item in items:
        node, kind = item.dep.target, _kind(item)
        if kind != "consumers" and node.grad_fn in traced.ends:
            return False
        if kind and node.module not in traced.plain:
            return False
        if not kind and not _keeps_channels(node, spatial):
            return False
    return True


def _group(items: Sequence[Any], root: Tensor) -> list[Group]:
    """The group of the outputs of `root`, unless their order has been lost somewhere."""
    uses: dict[str, list[Use]] = {kind: [] for kind in KINDS}
    is_whole = not any(_name(item.dep.target) == "Cat" for item in items)
    for item in items:
        kind, layer = _kind(item), item.dep.target.module
        if not kind:
            continue
        places = _places(item, root)
        is_all = kind == "producers" or is_whole
        if places is None or (is_all and places.numel() != _width(layer, kind)):
            return []
        uses[kind].append(Use(layer, places))
    group = Group(**{kind: tuple(found) for kind, found in uses.items()})
    return [group] if group.consumers else []


def _places(item: Any, weight: Tensor) -> Tensor | None:
    """Where each output of `weight` is in a layer, [C, n]; none where that differs in number."""
    places: list[list[int]] = [[] for _ in weight]
    for place, channel in zip(item.idxs, item.root_idxs, strict=True):
        places[channel].append(place)
    is_even = len({len(own) for own in places}) == 1
    return torch.tensor(places, device=weight.device) if is_even else None


def _width(layer: nn.Module, kind: str) -> int:
    if kind == "along":
        return features_of(layer)
    return weight_of(layer).shape[kind == "consumers"]


def _name(node: Any) -> str:
    return re.sub(r"Backward\d*$", "", node.grad_fn.name())


def _keeps_channels(node: Any, spatial: bool) -> bool:
    """Whether an operation treats each channel alone: of images if `spatial`, else of tokens."""
    name = _name(node)
    if name == "T":
        return not node.inputs  # a Linear layer's weight
    if name in PRODUCTS:
        return all(isinstance(reader.module, nn.Linear) for reader in node.outputs)
    if not all(_is_followable(node.grad_fn, source) for source, _ in node.grad_fn.next_functions):
        return False
    if name in VIEWS:
        return _is_known_view(node.grad_fn, spatial)
    if name in ALONG_DIMENSIONS:
        return _spares_channels(node.grad_fn, name, spatial)
    return name in ALONE


def _is_followable(grad_fn: Any, source: Any) -> bool:
    """Whether a value comes from a traced operation or is a single number."""
    if source is None:  # no gradient: the network's input, a buffer, a number
        other = getattr(grad_fn, "_saved_other", None)
        return isinstance(other, Tensor) and other.numel() == 1
    variable = getattr(source, "variable", None)
    return variable is None or variable.numel() == 1


def _is_known_view(grad_fn: Any, spatial: bool) -> bool:
    """Whether a view flattens images, or leaves alone what belongs to a channel."""
    before, after = _shape_before(grad_fn), _shape_after(grad_fn)
    if [side for side in before if side > 1] == [side for side in after if side > 1]:
        return True
    if spatial:
        return after == (before[0], prod(before[1:]))
    return before[-1] == after[-1]


def _spares_channels(grad_fn: Any, name: str, spatial: bool) -> bool:
    """Whether a mean is over other dimensions than the channels', a concatenation over theirs."""
    if not hasattr(grad_fn, "_saved_dim"):
        return False
    shape = _shape_before(grad_fn) if name == "Mean" else _shape_after(grad_fn)
    saved = grad_fn._saved_dim if name == "Mean" else (grad_fn._saved_dim,)
    # negative ones are kept modulo 2^64
    dims = {(dim - 2**64 if dim >= 2**63 else dim) % len(shape) for dim in saved}
    channel = 1 if spatial else len(shape) - 1
    return (channel in dims) == (name == "Cat")


def _shape_before(grad_fn: Any) -> tuple[int, ...]:
    return tuple(grad_fn._saved_self_sym_sizes)


def _shape_after(grad_fn: Any) -> tuple[int, ...]:
    return tuple(grad_fn._input_metadata[0].shape)
