"""Coupled channels of any network: the groups of torch_pruning that are known to be correct.

torch_pruning traces the graph of the gradients (Fang et al., DepGraph, CVPR 2023, arXiv 2301.12900)
and assumes that every operation that it does not know is elementwise. Therefore only those groups
are used whose layers and operations are known here to treat each channel independently.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch_pruning import DependencyGraph

from paretoprune.pruning.compaction.cut_layers import (
    KINDS,
    PER_CHANNEL,
    WEIGHTED,
    Group,
    Use,
    features_of,
    is_elementwise,
    is_spatial,
    plain_layers,
    weight_of,
)

# Names under which autograd records operations, without "Backward" and a number.
ALONE = {  # operations that treat each value, or each channel, independently
    *("Add", "Sub", "Mul", "Div", "Maximum", "Minimum", "Clamp", "Clone", "Squeeze", "Unsqueeze"),
    *("Relu", "Elu", "Celu", "LeakyRelu", "PreluKernel", "Gelu", "Silu", "Mish", "Softplus"),
    *("Sigmoid", "Tanh", "Hardtanh", "Hardswish", "Hardsigmoid"),
    *("MaxPool2DWithIndices", "AvgPool2D", "AdaptiveAvgPool2D", "AdaptiveMaxPool2D"),
    *("UpsampleNearest2D", "UpsampleBilinear2D"),
}
ALONG_DIMENSIONS = {"Mean", "Cat"}
VIEWS = {"View", "UnsafeView", "ReshapeAlias"}
PRODUCTS = {"Addmm", "Mm", "T"}  # operations of a Linear layer


@dataclass(frozen=True)
class Trace:
    """The trace of a network: torch_pruning's graph, the plain layers, and the outputs' nodes."""

    graph: Any
    plain: set[nn.Module]
    ends: list[Any]


class Place(NamedTuple):
    """An index in a layer, and the output of the first layer at that index.

    The fields have the names that torch_pruning gives them.
    """

    idx: int
    root_idx: int


@dataclass(frozen=True)
class Member:
    """A layer or operation that some channels pass: its node, its kind and the channel by index."""

    node: Any
    kind: str
    channels: dict[int, int]


def trace(network: nn.Module, inputs: tuple[Tensor, ...]) -> Trace:
    """Trace a network, which must be in evaluation mode; raise whatever torch_pruning raises."""
    ran: list[nn.Module] = []
    ends: list[Any] = []

    def forward(network: nn.Module, inputs: tuple[Tensor, ...]) -> list[Tensor]:
        outputs = [y for y in tensors_of(network(*inputs)) if y.grad_fn is not None]
        if not outputs:
            raise ValueError("no gradient passes through it")
        ends.extend(output.grad_fn for output in outputs)
        return outputs

    candidates = plain_layers(network, network.modules())  # before the hooks below are added
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
    """Let all parameters require gradients, and no layer work in place, within the block."""
    frozen = [parameter for parameter in network.parameters() if not parameter.requires_grad]
    inplace: list[Any] = [m for m in network.modules() if getattr(m, "inplace", False)]
    for module in inplace:
        module.inplace = False
    for parameter in frozen:
        parameter.requires_grad_(parameter.is_floating_point())
    with torch.enable_grad():
        yield
    for parameter in frozen:
        parameter.requires_grad_(False)
    for module in inplace:
        module.inplace = True


def tensors_of(outputs: Any) -> list[Tensor]:
    """Return all tensors in the outputs of a network, which may be nested."""
    if isinstance(outputs, Tensor):
        return [outputs]
    if isinstance(outputs, dict):
        outputs = outputs.values()
    return [tensor for entry in outputs for tensor in tensors_of(entry)]


def groups_of(traced: Trace) -> list[Group]:
    """Return the groups of channels whose layers and operations are all known."""
    groups: list[Group] = []
    seen: set[nn.Module] = set()
    for layer in traced.graph.module2node:
        if layer in traced.plain and layer not in seen and isinstance(layer, WEIGHTED):
            members = _coupled(traced, layer)
            seen |= {member.node.module for member in members if member.kind == "producers"}
            groups += _group(members, weight_of(layer))
    return groups


def _coupled(traced: Trace, root: nn.Module) -> list[Member]:
    """Return all layers and operations that the outputs of a layer pass.

    The list is empty if one of them is unknown, or if outputs are coupled with others of the same
    layer.
    """
    node, take = traced.graph.module2node[root], traced.graph.get_pruner_of_module(root)
    outputs = [Place(index, index) for index in range(len(weight_of(root)))]
    members: dict[Any, Member] = {}
    waiting = [(node, take.prune_out_channels, outputs)]
    while waiting:
        node, handler, places = waiting.pop()
        member = members.setdefault((node, handler), Member(node, _kind(node, handler), {}))
        added = [place for place in places if place.idx not in member.channels]
        for index, channel in places:
            if member.channels.setdefault(index, channel) != channel:
                return []
        if not _is_known(traced, member):
            return []
        for edge in node.dependencies:
            beyond = _mapped(edge, added) if edge.is_triggered_by(handler) else []
            if beyond:
                waiting.append((edge.target, edge.handler, beyond))
    return list(members.values())


def _mapped(edge: Any, places: list[Place]) -> list[Place]:
    """Return the places of the same channels at the other end of an edge of the graph."""
    for mapping in edge.index_mapping:
        places = places if mapping is None else mapping(places)
    return [Place(*place) for place in places]


def _kind(node: Any, handler: Any) -> str:
    """Return the role of a layer in a group, one of `KINDS`; empty for an operation."""
    if isinstance(node.module, WEIGHTED):
        return "consumers" if handler.__name__ == "prune_in_channels" else "producers"
    return (
        "along" if isinstance(node.module, PER_CHANNEL) and not is_elementwise(node.module) else ""
    )


def _is_known(traced: Trace, member: Member) -> bool:
    """Return whether a member is a plain layer or a known operation, and not a network output."""
    if member.kind != "consumers" and member.node.grad_fn in traced.ends:
        return False
    if member.kind:
        return member.node.module in traced.plain
    return _name(member.node) in ALONE | ALONG_DIMENSIONS | VIEWS | PRODUCTS


def _group(members: Sequence[Member], root: Tensor) -> list[Group]:
    """Return the group of the outputs of `root`; empty if a check of its members fails."""
    producers = [member.node.module for member in members if member.kind == "producers"]
    operations = [member.node for member in members if not member.kind]
    spatial = any(map(is_spatial, producers))
    if not all(_keeps_channels(node, spatial) for node in operations):
        return []
    is_whole = "Cat" not in map(_name, operations)
    uses: dict[str, list[Use]] = {kind: [] for kind in KINDS}
    for member in members:
        if member.kind:
            places = _places(member, root)
            is_all = member.kind == "producers" or is_whole
            if places is None or (
                is_all and places.numel() != _width(member.node.module, member.kind)
            ):
                return []
            uses[member.kind].append(Use(member.node.module, places))
    group = Group(**{kind: tuple(found) for kind, found in uses.items()})
    return [group] if group.consumers else []


def _places(member: Member, weight: Tensor) -> Tensor | None:
    """Return the indices of each output of `weight` in a layer, [C, n], or `None` if n differs."""
    places: list[list[int]] = [[] for _ in weight]
    for index, channel in sorted(member.channels.items()):
        places[channel].append(index)
    is_even = len({len(indices) for indices in places}) == 1
    return torch.tensor(places, device=weight.device) if is_even else None


def _width(layer: nn.Module, kind: str) -> int:
    if kind == "along":
        return features_of(layer)
    return weight_of(layer).shape[kind == "consumers"]


def _name(node: Any) -> str:
    return re.sub(r"Backward\d*$", "", node.grad_fn.name())


def _keeps_channels(node: Any, spatial: bool) -> bool:
    """Return whether an operation treats each channel independently.

    Channels are those of images if `spatial`, else those of tokens.
    """
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
    """Return whether a value comes from a traced operation or is a single number."""
    if source is None:  # no gradient: the network's input, a buffer, a number
        other = getattr(grad_fn, "_saved_other", None)
        return isinstance(other, Tensor) and other.numel() == 1
    variable = getattr(source, "variable", None)
    return variable is None or variable.numel() == 1


def _is_known_view(grad_fn: Any, spatial: bool) -> bool:
    """Return whether a view flattens images, or keeps the dimension of the channels."""
    before, after = _shape_before(grad_fn), _shape_after(grad_fn)
    if [side for side in before if side > 1] == [side for side in after if side > 1]:
        return True
    if spatial:
        return after == (before[0], prod(before[1:]))
    return before[-1] == after[-1]


def _spares_channels(grad_fn: Any, name: str, spatial: bool) -> bool:
    """Return whether a mean spares the channels' dimension, or a concatenation is along it."""
    if not hasattr(grad_fn, "_saved_dim"):
        return False
    shape = _shape_before(grad_fn) if name == "Mean" else _shape_after(grad_fn)
    saved = grad_fn._saved_dim if name == "Mean" else (grad_fn._saved_dim,)
    # autograd stores negative dimensions modulo 2^64
    dims = {(dim - 2**64 if dim >= 2**63 else dim) % len(shape) for dim in saved}
    channel = 1 if spatial else len(shape) - 1
    return (channel in dims) == (name == "Cat")


def _shape_before(grad_fn: Any) -> tuple[int, ...]:
    return tuple(grad_fn._saved_self_sym_sizes)


def _shape_after(grad_fn: Any) -> tuple[int, ...]:
    return tuple(grad_fn._input_metadata[0].shape)
