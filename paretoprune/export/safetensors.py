"""Safetensors: write the weights of a network alone, and read them into a copy of it."""

from pathlib import Path

import torch
from torch import nn

from paretoprune.export.inference import Inputs, evaluated
from paretoprune.export.loaded import Opened
from paretoprune.study.storage.tensors import read_tensors, write_tensors


def write(network: nn.Module, inputs: Inputs, path: Path) -> tuple[str, ...]:
    """Write parameters and buffers by name as safetensors.

    A tensor with several names is written once. The file's metadata map each of its other names to
    the name that is written, as `safetensors.torch.load_model` expects.
    """
    tensors = network.state_dict(keep_vars=True)  # keeps tied weights one object
    first = {id(tensor): name for name, tensor in reversed(tensors.items())}
    same = {name: first[id(each)] for name, each in tensors.items() if first[id(each)] != name}
    write_tensors(path, {name: tensors[name] for name in tensors if name not in same}, same)
    return tuple(
        f"{path} holds {name} once, as {other}: read it with safetensors.torch.load_model"
        for name, other in same.items()
    )


def read(path: Path, network: nn.Module) -> Opened:
    """Open a safetensors file as a copy of the network, with all numbers from the file."""
    arrays = read_tensors(path)
    copy = evaluated(network)
    for tensor in copy.state_dict().values():
        tensor.zero_()
    found = {name: torch.tensor(array) for name, array in arrays.items()}
    copy.load_state_dict(found, strict=False)  # a missing name is tied, or stays zero
    return Opened(copy, varies=True)
