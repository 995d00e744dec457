"""Compaction: remove dead units from a pruned network without changing what it computes."""

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

FEW = 2  # samples: what is removed does not depend on them
AGREEMENT = 1e-4  # of the largest output


@dataclass(frozen=True)
class Compact:
    """A network without the neurons that it does not need.

    `network` is a new one in evaluation mode. `removed` counts neurons and filters by the name of
    their layer, `stuck` those that have no incoming weights and stay, because what they
    contribute is a constant that no bias can take over. `reason` says why nothing was removed
    from a network that could not be followed; "" elsewhere.
    """

    network: nn.Module
    removed: Mapping[str, int]
    stuck: Mapping[str, int]
    reason: str = ""


def compact(network: nn.Module, inputs: tuple[Tensor, ...]) -> Compact:
    """Remove neurons and filters that nobody reads, or that do not depend on the input.

    The constant value of the latter moves into the biases of those that read them; where zeros
    that a convolution pads with forbid that, one such filter does the work of all. `inputs`, a
    batch [B, ...] each, are passed through the network; neither is altered. Raises
    `UsageError` where the network does not take these inputs, and `CouldNotError` where it
    cannot be copied.
    """
    unchanged = _copy(network).eval()
    few = tuple(one[:FEW] for one in inputs)
    if sequential.is_chain(unchanged):
        outputs_of(unchanged, few)  # what is wrong with the inputs is said here
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
    """The network, altered in place, without what torch_pruning's graph lets go."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch_pruning's; the network's own were heard before
        groups = general.groups_of(general.trace(network, inputs))
    return _compacted(network, inputs, groups)


def _compacted(network: nn.Module, inputs: tuple[Tensor, ...], groups: Sequence[Group]) -> Compact:
    """The network, altered in place, without the channels of its groups that can go."""
    gone, stuck = free(network, inputs, groups)
    cut(groups, gone)
    return Compact(network, _counted(network, groups, gone), _counted(network, groups, stuck))


def _counted(
    network: nn.Module, groups: Iterable[Group], masks: Iterable[Tensor]
) -> dict[str, int]:
    """How many channels of each layer that has some, by its name."""
    counts = {
        use.layer: int(mask.sum()) * use.places.shape[1]
        for group, mask in zip(groups, masks, strict=True)
        for use in group.producers
    }
    return {name: counts[one] for name, one in network.named_modules() if counts.get(one)}


def _agree(got: Sequence[Tensor], expected: Sequence[Tensor]) -> bool:
    """Whether outputs are the same but for rounding."""
    return all(
        bool((one - other).abs().max() <= AGREEMENT * other.abs().max())
        for one, other in zip(got, expected, strict=True)
    )


__all__ = ["Compact", "compact"]
