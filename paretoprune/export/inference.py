"""Inference: networks in evaluation mode, and batches of any size."""

from collections.abc import Mapping
from copy import deepcopy

import torch
from torch import Tensor, nn

from paretoprune.errors import CouldNotError
from paretoprune.study.storage.atomic import first_line

Inputs = tuple[Tensor, ...]  # samples, as the network is called with them; [B, ...] each


def evaluated(network: nn.Module) -> nn.Module:
    """Copy a network in evaluation mode; raise `CouldNotError` if it cannot be copied."""
    try:
        return deepcopy(network).eval()
    except Exception as error:  # copying may run the module's code
        raise CouldNotError(
            f"the network cannot be copied ({first_line(error)}): remove what computes its weights "
            "anew, as torch.nn.utils.prune does"
        ) from error


def is_batched(tensor: Tensor, inputs: Inputs) -> bool:
    """Return whether the first axis of an input holds the samples, as that of the first input."""
    return tensor.dim() > 0 and len(tensor) == len(inputs[0])


def batch_of(inputs: Inputs, size: int) -> Inputs:
    """Return the first `size` samples; if there are fewer, they are repeated."""
    chosen = torch.arange(size, device=inputs[0].device) % len(inputs[0])
    return tuple(each[chosen] if is_batched(each, inputs) else each for each in inputs)


def tensors_in(answer: object) -> list[Tensor]:
    """Return the tensors of an answer, including those in tuples, lists and dictionaries."""
    if isinstance(answer, Tensor):
        return [answer]
    if isinstance(answer, Mapping):
        answer = list(answer.values())
    if isinstance(answer, (tuple, list)):
        return [tensor for part in answer for tensor in tensors_in(part)]
    return []
