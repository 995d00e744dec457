"""Dead channels: those that can go without changing what a network computes.

Nothing is cut here: weights that do nothing become zero, and constants move into biases, so that
the network computes the same after each step, until a channel that can go is one that nobody
reads.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from paretoprune.pruning.compaction.cut_layers import WEIGHTED, Group, is_spatial, weight_of
from paretoprune.pruning.flops import outputs_of

ROUNDING = 1e-6  # of a constant: how far its values may lie apart

Range = tuple[Tensor, Tensor]  # least and largest value of each of a layer's inputs, [in] each


@torch.no_grad()
def free(
    network: nn.Module, inputs: tuple[Tensor, ...], groups: Sequence[Group]
) -> tuple[list[Tensor], list[Tensor]]:
    """Free the channels that can go; return for each group which these are, and which are stuck.

    The network, which must be in evaluation mode, is altered in place; masks are [C].
    """
    move_constants(network, inputs, groups)
    gone = let_go(groups)
    return gone, [is_constant(group) & is_read(group) for group in groups]


def is_constant(group: Group) -> Tensor:
    """Which channels have no incoming weights, [C]: they do not depend on the network's input."""
    zeros = [weights(use.layer).eq(0).all(2).all(1)[use.places].all(1) for use in group.producers]
    return torch.stack(zeros).all(0)


def is_read(group: Group) -> Tensor:
    """Which channels somebody has weights for, [C]."""
    reads = [weights(use.layer).ne(0).any(2).any(0)[use.places].any(1) for use in group.consumers]
    return torch.stack(reads).any(0)


def weights(layer: nn.Module) -> Tensor:
    """A view of the weights of a layer, [out, in, kernel]."""
    weight = weight_of(layer).detach()
    return weight.view(*weight.shape[:2], -1)


def move_constants(network: nn.Module, inputs: tuple[Tensor, ...], groups: Sequence[Group]) -> None:
    """Move what constant channels contribute into the biases of those that read them.

    A neuron that read nothing else is a constant then, so again until nothing moves.
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
    """The range of each input of some layers, over all samples and positions."""
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
    """Move those constants that all consumers can take; whether there were any."""
    for use in group.consumers:
        channels = channels & _takes(use.layer, ranges[use.layer])[use.places].all(1)
    for use in group.consumers:
        _fold(use.layer, use.places[channels].flatten(), ranges[use.layer][0])
    return bool(channels.any())


def _takes(layer: nn.Module, values: Range) -> Tensor:
    """Of which inputs a layer's bias can take over the part, [in].

    Zeros that a convolution pads with are another value, so there only where it is zero too.
    """
    return _is_one_value(values) & (values[0].eq(0) if is_padded(layer) else True)


def _is_one_value(values: Range) -> Tensor:
    least, largest = values
    return largest - least <= ROUNDING * torch.maximum(least.abs(), largest.abs())


def is_padded(layer: nn.Module) -> bool:
    """Whether a layer sees zeros beside its input."""
    if not isinstance(layer, nn.Conv1d | nn.Conv2d) or layer.padding_mode != "zeros":
        return False
    padding = layer.padding
    return padding == "same" if isinstance(padding, str) else any(padding)


def _fold(layer: nn.Module, columns: Tensor, constants: Tensor) -> None:
    """Add some weights times constants to the bias, in float64, and set these weights to zero."""
    assert isinstance(layer, WEIGHTED)
    shift = weights(layer)[:, columns].double().sum(2) @ constants[columns].double()
    weights(layer)[:, columns] = 0
    if layer.bias is None and shift.any():
        layer.bias = nn.Parameter(torch.zeros_like(weights(layer)[:, 0, 0]))
    if layer.bias is not None:
        layer.bias += shift.to(layer.bias.dtype)


def _merge(group: Group, channels: Tensor, ranges: dict[nn.Module, Range]) -> None:
    """Let one constant channel, the largest, do the work of all, whatever is padded beside it.

    With weights w and constants c of channels i it becomes w_k + sum of c_i / c_k w_i.
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
    """Which channels nobody reads, [C]; one always stays, since a layer cannot be empty.

    Their incoming weights become zero, so that nobody reads what only they did.
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
