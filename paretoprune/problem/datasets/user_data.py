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

ALONE = 512  # samples of a Dataset that are collated at once
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
            name: part_of(own, f"{where}: its {name} data")
            for name, own in zip(PARTS[len(found)], found, strict=True)
        }
    if "validation" not in parts:
        rest, held_out = split(parts["train"], source.validation, source.seed, "--validation")
        parts |= {"train": rest, "validation": held_out}
    targets = [part.targets for part in parts.values()]
    is_classes = all(own.dtype == torch.int64 and own.ndim == 1 for own in targets)
    classes = 1 + max(int(own.max()) for own in targets) if is_classes else 0
    try:
        return Data(parts["train"], parts["validation"], parts["test"], classes)
    except CouldNotError as error:
        raise UsageError(f"{where}: {error}") from error


def part_of(own: Any, where: str) -> Split:
    """Read one part of the data completely."""
    if isinstance(own, Dataset) and not isinstance(own, IterableDataset):
        own = DataLoader(own, batch_size=ALONE)
    if isinstance(own, DataLoader):
        own = gathered(own, where)
    if not isinstance(own, Sequence) or len(own) < 2:
        raise UsageError(
            f"{where} are a {type(own).__name__}: give (inputs, targets), a Dataset or a DataLoader"
        )
    *inputs, targets = flat(own)
    tensors = [tensor_of(one, where) for one in (*inputs, targets)]
    if any(one.ndim == 0 or not len(one) for one in tensors):
        raise UsageError(f"{where} hold no samples: give at least one")
    *numbers, last = tensors
    if odd := [len(one) for one in numbers if len(one) != len(last)]:
        raise UsageError(f"{where} have {odd[0]} inputs and {len(last)} targets: give one for each")
    return Split(tuple(numbers), last)


def gathered(loader: Iterable[Any], where: str) -> list[Tensor]:
    """Concatenate all batches of a loader."""
    try:
        batches = [[tensor_of(one, where) for one in flat(batch)] for batch in loader]
        return [torch.cat(column) for column in zip(*batches, strict=True)]
    except UsageError:
        raise
    except Exception as error:  # a user's dataset may raise anything
        raise UsageError(f"{where} cannot be read: {in_short(error)}") from error


def flat(own: Any) -> list[Any]:
    """Flatten nested tuples and lists: ((a, b), targets) becomes [a, b, targets]."""
    if isinstance(own, tuple | list):
        return [leaf for one in own for leaf in flat(one)]
    return [own]


def tensor_of(own: Any, where: str) -> Tensor:
    """Convert an array or a tensor to a type that is trained on.

    Images stay bytes and other whole numbers become int64. Floating-point numbers and booleans
    become torch's default type.
    """
    if isinstance(own, np.ndarray):
        own = torch.from_numpy(np.ascontiguousarray(own))
    if not isinstance(own, Tensor) or own.is_complex() or own.is_sparse:
        raise UsageError(f"{where} hold a {type(own).__name__}: give tensors, or NumPy's arrays")
    tensor: Tensor = own.detach().cpu()
    if tensor.is_floating_point() or tensor.dtype == torch.bool:
        return tensor.to(torch.get_default_dtype())
    return tensor if is_image(tensor) else tensor.long()
