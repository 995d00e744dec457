"""What does a network answer once it is in use: evaluated, on a CPU, for a batch of any size?"""

from collections.abc import Mapping
from copy import deepcopy

import torch
from torch import Tensor, nn

from paretoprune.errors import CouldNotError
from paretoprune.study.storage.atomic import first_line

Inputs = tuple[Tensor, ...]  # samples, as the network is called with them; [B, ...] each


def evaluated(network: nn.Module) -> nn.Module:
    """Copy a network in evaluation mode; raise `CouldNotError` for one that cannot be copied."""
    try:
        return deepcopy(network).eval()
    except Exception as error:  # what a module does when it is copied is its own code
        raise CouldNotError(
            f"the network cannot be copied ({first_line(error)}): remove what computes its weights "
            "anew, as torch.nn.utils.prune does"
        ) from error


def is_batched(tensor: Tensor, inputs: Inputs) -> bool:
    """Whether an input has the samples along its first axis, as the first input has."""
    return tensor.dim() > 0 and len(tensor) == len(inputs[0])


def batch_of(inputs: Inputs, size: int) -> Inputs:
    """The first `size` samples; they are repeated where there are fewer."""
    chosen = torch.arange(size, device=inputs[0].device) % len(inputs[0])
    return tuple(each[chosen] if is_batched(each, inputs) else each for each in inputs)


def tensors_in(answer: object) -> list[Tensor]:
    """The tensors of an answer, which may hold them in tuples, lists and dictionaries."""
    if isinstance(answer, Tensor):
        return [answer]
    if isinstance(answer, Mapping):
        answer = list(answer.values())
    if isinstance(answer, (tuple, list)):
        return [tensor for part in answer for tensor in tensors_in(part)]
    return []
