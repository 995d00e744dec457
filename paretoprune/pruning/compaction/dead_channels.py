"""Dead channels: those that can be removed without changing what the network computes.

No tensor is cut here. Weights without effect become zero and constants move into biases, and the
network computes the same after each of these steps. In the end, the removable channels are those
that no consumer has nonzero weights for.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from paretoprune.pruning.compaction.cut_layers import WEIGHTED, Group, is_spatial, weight_of
from paretoprune.pruning.flops import outputs_of

ROUNDING = 1e-6  # largest relative difference between the observed values of a constant

Range = tuple[Tensor, Tensor]  # least and largest value of each of a layer's inputs, [in] each


@torch.no_grad()
def free(
    network: nn.Module, inputs: tuple[Tensor, ...], groups: Sequence[Group]
) -> tuple[list[Tensor], list[Tensor]]:
    """Zero the weights of removable channels; return masks of removable and unremovable ones.

    The network must be in evaluation mode and is changed in place. Each of the two lists has one
    mask [C] per group. Unremovable channels are constants that are still read.
    """
    move_constants(network, inputs, groups)
    gone = let_go(groups)
    return gone, [is_constant(group) & is_read(group) for group in groups]


def is_constant(group: Group) -> Tensor:
    """Return a mask [C] of channels without incoming weights.

    These channels do not depend on the input of the network.
    """
    zeros = [weights(use.layer).eq(0).all(2).all(1)[use.places].all(1) for use in group.producers]
    return torch.stack(zeros).all(0)


def is_read(group: Group) -> Tensor:
    """Return a mask [C] of channels that a consumer has nonzero weights for."""
    reads = [weights(use.layer).ne(0).any(2).any(0)[use.places].any(1) for use in group.consumers]
    return torch.stack(reads).any(0)


def weights(layer: nn.Module) -> Tensor:
    """Return a view of the weights of a layer, [out, in, kernel]."""
    weight = weight_of(layer).detach()
    return weight.view(*weight.shape[:2], -1)


def move_constants(network: nn.Module, inputs: tuple[Tensor, ...], groups: Sequence[Group]) -> None:
    """Move the contribution of constant channels into the biases of their consumers.

    A neuron that read only constants becomes a constant itself, so this is repeated until nothing
    moves.
    """
    while True:
        waiting = [(group, is_constant(group) & is_read(group)) for group in groups]
        waiting = [(group, channels) for group, channels in waiting if channels.any()]
        layers = {use.layer for group, _ in waiting for use in group.consumers}
        ranges = observe(network, inputs, layers) if waiting else {}
        moved = [_move(group, channels, ranges) for group, channels in waiting]
        if not any(moved):
            break
    for group, channels in waiting:
        _merge(group, channels, ranges)


def observe(
    network: nn.Module, inputs: tuple[Tensor, ...], layers: set[nn.Module]
) -> dict[nn.Module, Range]:
    """Return the range of each input of the given layers over all samples and positions."""
    ranges: dict[nn.Module, Range] = {}

    def record(layer: nn.Module, given: tuple[Tensor, ...]) -> None:
        channel = 1 if is_spatial(layer) else -1
        values = given[0].movedim(channel, 0).flatten(1)
        ranges[layer] = (values.amin(1), values.amax(1))

    handles = [layer.register_forward_pre_hook(record) for layer in layers]
    try:
        outputs_of(network, inputs)
    finally:
        for handle in handles:
            handle.remove()
    return ranges


def _move(group: Group, channels: Tensor, ranges: dict[nn.Module, Range]) -> bool:
    """Move those constants that all consumers can absorb; return whether there were any."""
    for use in group.consumers:
        channels = channels & _takes(use.layer, ranges[use.layer])[use.places].all(1)
    for use in group.consumers:
        _fold(use.layer, use.places[channels].flatten(), ranges[use.layer][0])
    return bool(channels.any())


def _takes(layer: nn.Module, values: Range) -> Tensor:
    """Return a mask [in] of the inputs whose contribution a layer's bias can absorb.

    An input must be constant. If a convolution pads with zeros, it must be zero, because another
    constant would differ from the padding.
    """
    return _is_one_value(values) & (values[0].eq(0) if is_padded(layer) else True)


def _is_one_value(values: Range) -> Tensor:
    least, largest = values
    return largest - least <= ROUNDING * torch.maximum(least.abs(), largest.abs())


def is_padded(layer: nn.Module) -> bool:
    """Return whether a layer pads its input with zeros."""
    if not isinstance(layer, nn.Conv1d | nn.Conv2d) or layer.padding_mode != "zeros":
        return False
    padding = layer.padding
    return padding == "same" if isinstance(padding, str) else any(padding)


def _fold(layer: nn.Module, columns: Tensor, constants: Tensor) -> None:
    """Add the given weights times their constants, in float64, to the bias; zero these weights."""
    assert isinstance(layer, WEIGHTED)
    shift = weights(layer)[:, columns].double().sum(2) @ constants[columns].double()
    weights(layer)[:, columns] = 0
    if layer.bias is None and shift.any():
        layer.bias = nn.Parameter(torch.zeros_like(weights(layer)[:, 0, 0]))
    if layer.bias is not None:
        layer.bias += shift.to(layer.bias.dtype)


def _merge(group: Group, channels: Tensor, ranges: dict[nn.Module, Range]) -> None:
    """Merge all constant channels into the largest one, which is exact with any padding.

    With weights w_i and constants c_i of the channels i, the weights of the kept channel k become
    w_k + sum over i of c_i / c_k * w_i.
    """
    for use in group.consumers:
        channels = channels & _is_one_value(ranges[use.layer])[use.places].all(1)
    least = [ranges[use.layer][0][use.places].abs().amin(1) for use in group.consumers]
    sizes = torch.stack(least).amin(0).where(channels, 0)
    kept = int(sizes.argmax())
    if sizes[kept] == 0:
        return
    channels[kept] = False
    for use in group.consumers:
        constants = ranges[use.layer][0][use.places].double()  # [C, n]
        shares = (constants[channels] / constants[kept]).unsqueeze(2)  # [merged, n, 1]
        old = weights(use.layer)
        old[:, use.places[kept]] += (old[:, use.places[channels]] * shares).sum(1).to(old.dtype)
        old[:, use.places[channels]] = 0


def let_go(groups: Sequence[Group]) -> list[Tensor]:
    """Return a mask [C] per group of channels that no consumer reads, and zero their weights.

    Zeroing their incoming weights lets channels go that only they read. One channel of each group
    always stays, because a layer cannot be empty.
    """
    reads, before = [is_read(group) for group in groups], None
    while before is None or not all(map(torch.equal, before, reads)):
        for group in reversed(groups):
            for use in group.producers:
                weights(use.layer)[use.places[~is_read(group)].flatten()] = 0
        before, reads = reads, [is_read(group) for group in groups]
    for mask in reads:
        mask[0] |= ~mask.any()
    return [~mask for mask in reads]
