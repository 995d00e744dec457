"""User data: the data set that a function `package.module:function` returns."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset

from paretoprune.errors import CouldNotError, UsageError
from paretoprune.problem.datasets.parts import Data, DataConfig, Split, is_image, split
from paretoprune.problem.device import seeded
from paretoprune.study.user_code import Function, call, in_short

ALONE = 512  # samples of a Dataset that are collated together
PARTS = {2: ("train", "test"), 3: ("train", "validation", "test")}
FORM = "it must return (train, test) or (train, validation, test)"


def load_user_data(function: Function, source: DataConfig, where: str) -> Data:
    """Load a data set of tensors, arrays, datasets or loaders from a user's function.

    The function returns (train, test) or (train, validation, test), or a mapping with these names.
    Each part is (inputs, targets), (input, input, ..., targets), or a `Dataset` or `DataLoader` of
    such. It is read once and kept as tensors. A missing validation part is split off the training
    part.

    Args:
        function: The user's function, which may have parameters `data_dir` and `seed`.
        source: What the function gets, and the share of validation samples.
        where: How the message of an error begins.

    Raises:
        UsageError: If the function fails or returns anything else.
    """
    offered = {"data_dir": source.data_dir, "seed": source.seed}
    found = call(function, offered, where)
    if isinstance(found, Mapping) and set(found) in map(set, PARTS.values()):
        found = [found[name] for name in PARTS[len(found)]]
    if not isinstance(found, Sequence) or len(found) not in PARTS:
        raise UsageError(f"{where} returns a {type(found).__name__}: {FORM}")
    with seeded(source.seed):  # a loader shuffles by the study's seed
        parts = {
            name: part_of(part, f"{where}: its {name} data")
            for name, part in zip(PARTS[len(found)], found, strict=True)
        }
    if "validation" not in parts:
        rest, held_out = split(parts["train"], source.validation, source.seed, "--validation")
        parts |= {"train": rest, "validation": held_out}
    targets = [part.targets for part in parts.values()]
    is_classes = all(each.dtype == torch.int64 and each.ndim == 1 for each in targets)
    classes = 1 + max(int(each.max()) for each in targets) if is_classes else 0
    try:
        return Data(parts["train"], parts["validation"], parts["test"], classes)
    except CouldNotError as error:
        raise UsageError(f"{where}: {error}") from error


def part_of(data: Any, where: str) -> Split:
    """Read one part of the data completely."""
    if isinstance(data, Dataset) and not isinstance(data, IterableDataset):
        data = DataLoader(data, batch_size=ALONE)
    if isinstance(data, DataLoader):
        data = gathered(data, where)
    if not isinstance(data, Sequence) or len(data) < 2:
        raise UsageError(
            f"{where} are a {type(data).__name__}: give (inputs, targets), a Dataset or a "
            "DataLoader"
        )
    *inputs, targets = flat(data)
    tensors = [tensor_of(array, where) for array in (*inputs, targets)]
    if any(tensor.ndim == 0 or not len(tensor) for tensor in tensors):
        raise UsageError(f"{where} hold no samples: give at least one")
    *numbers, last = tensors
    if counts := [len(x) for x in numbers if len(x) != len(last)]:
        raise UsageError(
            f"{where} have {counts[0]} inputs and {len(last)} targets: give one for each"
        )
    return Split(tuple(numbers), last)


def gathered(loader: Iterable[Any], where: str) -> list[Tensor]:
    """Concatenate all batches of a loader."""
    try:
        batches = [[tensor_of(array, where) for array in flat(batch)] for batch in loader]
        return [torch.cat(column) for column in zip(*batches, strict=True)]
    except UsageError:
        raise
    except Exception as error:  # a user's dataset may raise anything
        raise UsageError(f"{where} cannot be read: {in_short(error)}") from error


def flat(data: Any) -> list[Any]:
    """Flatten nested tuples and lists: ((a, b), targets) becomes [a, b, targets]."""
    if isinstance(data, tuple | list):
        return [leaf for entry in data for leaf in flat(entry)]
    return [data]


def tensor_of(array: Any, where: str) -> Tensor:
    """Convert an array or a tensor to a type that is trained on.

    Images stay bytes and other whole numbers become int64. Floating-point numbers and booleans
    become torch's default type.
    """
    if isinstance(array, np.ndarray):
        array = torch.from_numpy(np.ascontiguousarray(array))
    if not isinstance(array, Tensor) or array.is_complex() or array.is_sparse:
        raise UsageError(f"{where} hold a {type(array).__name__}: give tensors, or NumPy's arrays")
    tensor: Tensor = array.detach().cpu()
    if tensor.is_floating_point() or tensor.dtype == torch.bool:
        return tensor.to(torch.get_default_dtype())
    return tensor if is_image(tensor) else tensor.long()
