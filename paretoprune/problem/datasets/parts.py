"""Data sets as tensors: samples, their parts, and how a part is split."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from paretoprune.errors import CouldNotError, UsageError

# Share and seed of the split if a data set names no test images. The seed is fixed, so that the
# test images are the same in every study.
TEST_SHARE = 0.2
TEST_SEED = 0


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Location of a data set, and options of its split.

    Attributes:
        data_dir: Folder of all data sets.
        validation: Share of the training samples that is kept for validation.
        seed: Seed of this split.
        path: The folder of `folder:PATH`; other data sets do not use it.
        image_size: Side of the images of `folder:PATH` in pixels; 0 lets the images decide.
    """

    data_dir: Path
    validation: float
    seed: int
    path: Path | None = None
    image_size: int = 0


@dataclass(frozen=True)
class Split:
    """Samples on one device: their inputs, `[N, *shape]` each, and their targets.

    Images are a single input, `[N, C, H, W]` as uint8. Targets are class indices `[N]` as int64, or
    numbers `[N, ...]`.
    """

    inputs: tuple[Tensor, ...]
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, chosen: Tensor | slice) -> "Split":
        return Split(tuple(x[chosen] for x in self.inputs), self.targets[chosen])

    def split(self, size: int) -> list["Split"]:
        """Return the samples in parts of `size`; the last one may be smaller."""
        return [self[start : start + size] for start in range(0, len(self), size)]

    def to(self, device: torch.device) -> "Split":
        """Return the part on `device`."""
        return Split(tuple(x.to(device) for x in self.inputs), self.targets.to(device))


@dataclass(frozen=True)
class Data:
    """A data set of training, validation and test samples.

    Attributes:
        train: The training samples.
        validation: The validation samples.
        test: The test samples.
        classes: Number of classes, or 0 if the targets are numbers.
        white: The byte value that becomes 1.0 when images are scaled to [0, 1].
        notes: Sentences for the user about what was found.

    Raises:
        CouldNotError: On creation, if a split is not valid (see `checked_split`), or if splits
            differ in type or shape, whichever loader read them.
    """

    train: Split
    validation: Split
    test: Split
    classes: int
    white: float = 255.0
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("train", "validation", "test"):
            checked_split(getattr(self, name), self.classes, f"the {name} samples")
        shapes = {sample_shape(part) for part in (self.train, self.validation, self.test)}
        if len(shapes) > 1:
            raise CouldNotError("the data set's samples are not all of one shape: make them so")

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shape of each input of one sample: channels, height and width of an image."""
        return tuple(tuple(x.shape[1:]) for x in self.train.inputs)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the first input of one sample."""
        return self.shapes[0]

    @property
    def outputs(self) -> int:
        """Number of outputs that a network needs: the classes, or the numbers of a target."""
        return self.classes or self.train.targets[0].numel()

    def to(self, device: torch.device) -> "Data":
        """Return the data set on `device`."""
        parts = {name: getattr(self, name).to(device) for name in ("train", "validation", "test")}
        return replace(self, **parts)


def sample_shape(part: Split) -> tuple[object, ...]:
    """Return the types and shapes that the parts of a data set must have in common."""
    tensors = (*part.inputs, part.targets)
    return tuple((tensor.dtype, tensor.shape[1:]) for tensor in tensors)


def is_image(x: Tensor) -> bool:
    """Return whether an input holds images as bytes, `[N, C, H, W]`."""
    return x.dtype == torch.uint8 and x.ndim == 4


def checked_split(part: Split, classes: int, name: str) -> Split:
    """Return a part if its samples are valid, and raise an error if not.

    A file may contain any numbers. Valid samples are one or more, with one target per input and
    with finite numbers only. If there are `classes`, each target is one of them.

    Args:
        part: The samples.
        classes: Number of classes, or 0 if the targets are numbers.
        name: Name of the samples in messages.

    Raises:
        CouldNotError: If the samples are not valid.
    """
    targets, tensors = part.targets, (*part.inputs, part.targets)
    misfit = next((x for x in part.inputs if len(x) != len(targets)), None)
    if misfit is not None:
        rule = f"are {len(misfit):,}, and their labels {len(targets):,}"
    elif not all(tensor.numel() for tensor in tensors):
        rule = "are none"
    elif not all(x.isfinite().all() for x in tensors if x.is_floating_point()):
        rule = "are not all finite"
    elif not classes:
        return part
    elif targets.dtype != torch.int64 or targets.ndim != 1:
        rule = f"have labels that are {targets.dtype} of {targets.ndim} dimensions, not classes"
    elif targets.min() < 0 or targets.max() >= classes:
        rule = f"have labels from {targets.min()} to {targets.max()}, not from 0 to {classes - 1}"
    else:
        return part
    raise CouldNotError(f"{name} {rule}: replace the data set's files")


def checked_images(part: Split, classes: int, name: str) -> Split:
    """Return a split if it holds valid images as bytes; else raise, as `checked_split` does."""
    images = part.inputs[0]
    if is_image(images):
        return checked_split(part, classes, name)
    rule = f"are {images.dtype} of {images.ndim} dimensions, not bytes of 4"
    raise CouldNotError(f"{name} {rule}: replace the data set's files")


def split(part: Split, share: float, seed: int, option: str) -> tuple[Split, Split]:
    """Split off a share of a part at random, with each class in proportion.

    Args:
        part: The samples.
        share: The share to split off, between 0 and 1.
        seed: Seed of the random choice.
        option: The option that sets the share, for the message of an error.

    Returns:
        The rest and the share, each in the order of the part.

    Raises:
        UsageError: If a class has too few samples.
    """
    from sklearn.model_selection import train_test_split  # slow to import

    is_classes = part.targets.dtype == torch.int64 and part.targets.ndim == 1
    try:
        rest, cut = train_test_split(
            np.arange(len(part)),
            test_size=share,
            random_state=seed,
            stratify=part.targets.numpy() if is_classes else None,
        )
    except ValueError as error:
        raise UsageError(
            f"{option} {share:g} cannot cut {len(part)} samples so that both parts have every "
            "class: take a share such as 0.1, or add samples"
        ) from error
    first, second = (part[torch.from_numpy(np.sort(indices))] for indices in (rest, cut))
    return first, second


def set_test_aside(part: Split) -> tuple[Split, Split]:
    """Split off a fifth for testing, as `split` does: (the rest, the test samples)."""
    return split(part, TEST_SHARE, TEST_SEED, "the test share")
