"""What a data set is: inputs, targets, and how the parts are cut."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from paretoprune.errors import CouldNotError, UsageError

# What is set aside where nobody named test images: the same in every study, whatever its seed.
TEST_SHARE = 0.2
TEST_SEED = 0


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where data come from, and how they are cut.

    `validation` is the share of the training samples kept for validation, `seed` that of this
    split. `path` and `image_size` (pixels; 0: chosen by the data) are for `folder:PATH` only.
    """

    data_dir: Path
    validation: float
    seed: int
    path: Path | None = None
    image_size: int = 0


@dataclass(frozen=True)
class Part:
    """Samples: their inputs, `[N, *shape]` each, and targets, on one device.

    Images are one input, `[N, C, H, W]` as uint8. Targets are classes `[N]` as int64, or numbers
    `[N, ...]`.
    """

    inputs: tuple[Tensor, ...]
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, chosen: Tensor | slice) -> "Part":
        return Part(tuple(own[chosen] for own in self.inputs), self.targets[chosen])

    def split(self, size: int) -> list["Part"]:
        """The same samples, `size` at a time."""
        return [self[start : start + size] for start in range(0, len(self), size)]

    def to(self, device: torch.device) -> "Part":
        """The same part on `device`."""
        return Part(tuple(own.to(device) for own in self.inputs), self.targets.to(device))


@dataclass(frozen=True)
class Data:
    """A data set: of so many `classes`, or 0 where the targets are numbers.

    `white` is the byte that stands for 1.0 when a network sees an image. `notes` are sentences for
    the user about what was found. Raises `CouldNotError` on creation for parts that are not
    `sound`, whatever loader read them.
    """

    train: Part
    validation: Part
    test: Part
    classes: int
    white: float = 255.0
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("train", "validation", "test"):
            sound(getattr(self, name), self.classes, f"the {name} samples")
        shapes = {part_shape(part) for part in (self.train, self.validation, self.test)}
        if len(shapes) > 1:
            raise CouldNotError("the data set's samples are not all of one shape: make them so")

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shape of each input of one sample: of an image channels, height and width."""
        return tuple(tuple(own.shape[1:]) for own in self.train.inputs)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the first input."""
        return self.shapes[0]

    @property
    def outputs(self) -> int:
        """What a network must say of a sample: a number for each class, or the targets' numbers."""
        return self.classes or self.train.targets[0].numel()

    def to(self, device: torch.device) -> "Data":
        """The same data on `device`."""
        parts = {name: getattr(self, name).to(device) for name in ("train", "validation", "test")}
        return replace(self, **parts)


def part_shape(part: Part) -> tuple[object, ...]:
    """What the parts of a data set have in common: types and shapes."""
    tensors = (*part.inputs, part.targets)
    return tuple((own.dtype, own.shape[1:]) for own in tensors)


def is_image(own: Tensor) -> bool:
    """Whether an input holds images as bytes."""
    return own.dtype == torch.uint8 and own.ndim == 4


def sound(part: Part, classes: int, what: str) -> Part:
    """The part, if each sample has its target, and a class where there are `classes`.

    Raises `CouldNotError`, naming `what`, for any other: a file's numbers may be anything.
    """
    targets, tensors = part.targets, (*part.inputs, part.targets)
    own = next((own for own in part.inputs if len(own) != len(targets)), None)
    if own is not None:
        rule = f"are {len(own):,}, and their labels {len(targets):,}"
    elif not all(one.numel() for one in tensors):
        rule = "are none"
    elif not all(one.isfinite().all() for one in tensors if one.is_floating_point()):
        rule = "are not all finite"
    elif not classes:
        return part
    elif targets.dtype != torch.int64 or targets.ndim != 1:
        rule = f"have labels that are {targets.dtype} of {targets.ndim} dimensions, not classes"
    elif targets.min() < 0 or targets.max() >= classes:
        rule = f"have labels from {targets.min()} to {targets.max()}, not from 0 to {classes - 1}"
    else:
        return part
    raise CouldNotError(f"{what} {rule}: replace the data set's files")


def sound_images(part: Part, classes: int, what: str) -> Part:
    """The part, if it holds images as bytes, and is `sound`."""
    images = part.inputs[0]
    if is_image(images):
        return sound(part, classes, what)
    rule = f"are {images.dtype} of {images.ndim} dimensions, not bytes of 4"
    raise CouldNotError(f"{what} {rule}: replace the data set's files")


def split(part: Part, share: float, seed: int, option: str) -> tuple[Part, Part]:
    """Cut off `share` of a part, each class in proportion: (the rest, the share).

    `option` is what the user would change; it is named in the `UsageError` that is raised where a
    class has too few samples.
    """
    from sklearn.model_selection import train_test_split  # a second, which workers need not wait

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


def set_test_aside(part: Part) -> tuple[Part, Part]:
    """Cut off a fifth for testing, as `split` does: (the rest, the test samples)."""
    return split(part, TEST_SHARE, TEST_SEED, "the test share")
