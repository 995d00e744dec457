"""Tensors as safetensors files, which any program can read and which execute no code."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from paretoprune.errors import UsageError
from paretoprune.study.storage.atomic import first_line, write_aside, write_bytes

KINDS = "fiub"  # kinds of NumPy's data types: float, signed and unsigned integer, boolean


def write_tensors(path: Path, tensors: Mapping[str, Any], facts: Mapping[str, str]) -> None:
    """Write tensors and metadata as a safetensors file.

    Args:
        path: The file to write or replace.
        tensors: Tensors of torch or arrays of NumPy, by name.
        facts: Metadata that are stored with the tensors.

    Raises:
        UsageError: An entry is no dense tensor, or of a type that NumPy lacks, such as bfloat16.
        CouldNotError: The file cannot be written.
    """
    arrays = {name: _array(path, name, tensor) for name, tensor in tensors.items()}
    write_aside(path, partial(write_bytes, save(arrays, metadata=dict(facts))))


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Read the tensors of a safetensors file as arrays by name.

    Raises `UsageError` if the file does not exist or cannot be read.
    """
    try:
        return load(path.read_bytes())
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {path}: name one that ends in .safetensors") from error
    except (SafetensorError, OSError, ValueError, TypeError, KeyError) as error:
        raise UsageError(
            f"{path} cannot be read as safetensors ({first_line(error)}): name another file"
        ) from error


def _array(path: Path, name: str, tensor: Any) -> np.ndarray:
    if not isinstance(tensor, np.ndarray):
        try:
            tensor = tensor.detach().cpu().numpy()
        except (AttributeError, TypeError, RuntimeError) as error:  # no tensor, bfloat16, or CSR
            raise _unfit(path, name, tensor) from error
    if tensor.dtype.kind not in KINDS:
        raise _unfit(path, name, tensor)
    # safetensors reads the memory of an array from end to end; unlike np.ascontiguousarray this
    # keeps the shape of a scalar
    return np.asarray(tensor, order="C")


def _unfit(path: Path, name: str, tensor: object) -> UsageError:
    kind = getattr(tensor, "dtype", type(tensor).__name__)
    return UsageError(
        f"cannot write {name!r} ({kind}) to {path}: convert the network (network.float()), or name "
        "a file that ends in .pt2"
    )
