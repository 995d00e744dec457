"""File formats to which a network can be written."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from paretoprune.errors import UsageError
from paretoprune.export import onnx, pt2
from paretoprune.export import safetensors as tensors
from paretoprune.export.inference import Inputs
from paretoprune.export.loaded import Opened

GZIP = 16 + zlib.MAX_WBITS  # makes zlib write the header of gzip
BEST = 9  # zlib's highest level of compression
PIECE = 2**20  # bytes


@dataclass(frozen=True)
class Format:
    """A file format.

    Attributes:
        write: Writes a network, called with some samples, and returns notes for the user.
        read: Opens a file so that it can be checked against the network.
    """

    write: Callable[[nn.Module, Inputs, Path], tuple[str, ...]]
    read: Callable[[Path, nn.Module], Opened]


FORMATS: dict[str, Format] = {
    ".safetensors": Format(tensors.write, tensors.read),
    ".pt2": Format(pt2.write, pt2.read),
    ".onnx": Format(onnx.write, onnx.read),
}


def write_network(network: nn.Module, inputs: Inputs, path: Path) -> tuple[str, ...]:
    """Write a network in evaluation mode to a file, whose suffix decides the format.

    Args:
        network: The network.
        inputs: A few samples as the network is called with them, [B, ...] each. The file takes
            batches of any size if the network does.
        path: The file to write.

    Returns:
        Notes for the user.

    Raises:
        UsageError: If the suffix is unknown, or if the folder does not exist.
        CouldNotError: If the network cannot be written in this format.
    """
    chosen = format_of(path)
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}: make it, or name another")
    return chosen.write(network, inputs, path)


def format_of(path: Path) -> Format:
    """Return the format that a file's suffix names; raise `UsageError` if it is unknown."""
    if path.suffix not in FORMATS:
        raise UsageError(f"cannot tell the format of {path}: name a file in {', '.join(FORMATS)}")
    return FORMATS[path.suffix]


def file_sizes(path: Path) -> tuple[int, int]:
    """Return the size of a file in bytes, and its size after compression with gzip."""
    packer = zlib.compressobj(BEST, wbits=GZIP)
    packed = 0
    with path.open("rb") as stream:
        while piece := stream.read(PIECE):
            packed += len(packer.compress(piece))
    return path.stat().st_size, packed + len(packer.flush())
