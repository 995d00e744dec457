"""Compaction: removal of neurons and filters from a pruned network that keeps its outputs."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass

from torch import Tensor, nn

from paretoprune.errors import CouldNotError
from paretoprune.pruning.compaction import chains as sequential
from paretoprune.pruning.compaction import coupled_channels as general
from paretoprune.pruning.compaction.cut_layers import Group, cut
from paretoprune.pruning.compaction.dead_channels import free
from paretoprune.pruning.flops import outputs_of

FEW = 2  # samples suffice, because the result does not depend on them
AGREEMENT = 1e-4  # largest accepted difference, relative to the largest output


@dataclass(frozen=True)
class Compact:
    """The result of a compaction.

    Attributes:
        network: A new network in evaluation mode, without the neurons that it does not need.
        removed: Number of removed neurons and filters, by the name of their layer.
        stuck: Number of unremovable ones, by the name of their layer. They have no incoming
            weights, but contribute a constant that cannot be moved into a bias.
        reason: Why nothing was removed from a network that could not be traced; otherwise empty.
    """

    network: nn.Module
    removed: Mapping[str, int]
    unremovable: Mapping[str, int]
    reason: str = ""


def compact(network: nn.Module, inputs: tuple[Tensor, ...]) -> Compact:
    """Remove neurons and filters whose output is unused or does not depend on the input.

    The constant output of the latter moves into the biases of the next layer. If a convolution
    pads with zeros, which forbids that, one such filter replaces all of them.

    Args:
        network: The network; it is not changed.
        inputs: The arguments of its forward pass, each a batch [B, ...].

    Raises:
        UsageError: If the network does not take these inputs.
        CouldNotError: If the network cannot be copied.
    """
    unchanged = _copy(network).eval()
    few = tuple(x[:FEW] for x in inputs)
    if sequential.is_chain(unchanged):
        outputs_of(unchanged, few)  # raises a clear error if the inputs do not fit
        return _compacted(unchanged, few, sequential.groups_of(unchanged, *few))
    expected = general.tensors_of(outputs_of(unchanged, inputs))
    try:
        result = _followed(_copy(unchanged), few)
        got = general.tensors_of(outputs_of(result.network, inputs))
        if not _agree(got, expected):
            raise ValueError("without what seemed dead it computed something else")
    except Exception as error:
        first_line = str(error).partition("\n")[0]
        reason = f"the network could not be followed ({type(error).__name__}: {first_line})"
        return Compact(unchanged, {}, {}, reason)
    return result


def _copy(network: nn.Module) -> nn.Module:
    try:
        return deepcopy(network)
    except Exception as error:
        first_line = str(error).partition("\n")[0]
        raise CouldNotError(
            f"the network cannot be copied ({type(error).__name__}: {first_line}): "
            "make what was computed for its weights permanent, and leave out open files"
        ) from error


def _followed(network: nn.Module, inputs: tuple[Tensor, ...]) -> Compact:
    """Remove, in place, the channels that torch_pruning's graph allows to remove."""
    with warnings.catch_warnings():
        # those of torch_pruning; those of the network were shown in the pass before
        warnings.simplefilter("ignore")
        groups = general.groups_of(general.trace(network, inputs))
    return _compacted(network, inputs, groups)


def _compacted(network: nn.Module, inputs: tuple[Tensor, ...], groups: Sequence[Group]) -> Compact:
    """Remove, in place, all removable channels of the given groups."""
    gone, unremovable = free(network, inputs, groups)
    cut(groups, gone)
    return Compact(network, _counted(network, groups, gone), _counted(network, groups, unremovable))


def _counted(
    network: nn.Module, groups: Iterable[Group], masks: Iterable[Tensor]
) -> dict[str, int]:
    """Count the masked channels of each layer that has any, by the layer's name."""
    counts = {
        use.layer: int(mask.sum()) * use.places.shape[1]
        for group, mask in zip(groups, masks, strict=True)
        for use in group.producers
    }
    return {name: counts[layer] for name, layer in network.named_modules() if counts.get(layer)}


def _agree(got: Sequence[Tensor], expected: Sequence[Tensor]) -> bool:
    """Return whether outputs are equal except for rounding."""
    return all(
        bool((actual - wanted).abs().max() <= AGREEMENT * wanted.abs().max())
        for actual, wanted in zip(got, expected, strict=True)
    )


__all__ = ["Compact", "compact"]
