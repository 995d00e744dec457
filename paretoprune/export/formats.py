"""Which files can a network be written to?"""

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

GZIP = 16 + zlib.MAX_WBITS  # zlib's word for gzip's header
BEST = 9  # its level of compression
PIECE = 2**20  # bytes


@dataclass(frozen=True)
class Format:
    """How a network is written, which returns notes, and how the file is read to be checked."""

    write: Callable[[nn.Module, Inputs, Path], tuple[str, ...]]
    read: Callable[[Path, nn.Module], Opened]


FORMATS: dict[str, Format] = {
    ".safetensors": Format(tensors.write, tensors.read),
    ".pt2": Format(pt2.write, pt2.read),
    ".onnx": Format(onnx.write, onnx.read),
}


def write_network(network: nn.Module, inputs: Inputs, path: Path) -> tuple[str, ...]:
    """Write a network in evaluation mode to one file, whose ending says in which format.

    `inputs` are a few samples as the network is called with them, [B, ...] each; the file takes
    batches of any size where the network does. Returns notes for the user. Raises `UsageError`
    for another ending and without the folder, `CouldNotError` for what cannot be written so.
    """
    chosen = format_of(path)
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}: make it, or name another")
    return chosen.write(network, inputs, path)


def format_of(path: Path) -> Format:
    """The format that a file's ending names. Raises `UsageError` for another ending."""
    if path.suffix not in FORMATS:
        raise UsageError(f"cannot tell the format of {path}: name a file in {', '.join(FORMATS)}")
    return FORMATS[path.suffix]


def file_sizes(path: Path) -> tuple[int, int]:
    """A file's bytes, and how many they are once gzip has compressed them."""
    packer = zlib.compressobj(BEST, wbits=GZIP)
    packed = 0
    with path.open("rb") as stream:
        while piece := stream.read(PIECE):
            packed += len(packer.compress(piece))
    return path.stat().st_size, packed + len(packer.flush())
