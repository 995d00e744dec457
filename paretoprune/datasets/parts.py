"""What a data set is: images as bytes, labels, and how the parts are cut."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from torch import Tensor

from paretoprune.errors import CouldNotError, UsageError

# What is set aside where nobody named test images: the same in every study, whatever its seed.
TEST_SHARE = 0.2
TEST_SEED = 0


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where data come from, and how they are cut.

    `validation` is the share of the training images kept for validation, `seed` that of this
    split. `path` and `image_size` (pixels; 0: chosen by the data) are for `folder:PATH` only.
    """

    data_dir: Path
    validation: float
    seed: int
    path: Path | None = None
    image_size: int = 0


@dataclass(frozen=True)
class Part:
    """Images `[N, C, H, W]` as uint8 and their labels `[N]` as int64, on one device."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> "Part":
        """The same part on `device`."""
        return Part(self.images.to(device), self.labels.to(device))


@dataclass(frozen=True)
class Data:
    """A data set: `white` is the byte that stands for 1.0 when a network sees an image.

    `notes` are sentences for the user about what was found. Raises `CouldNotError` on creation for
    parts that are not `sound`, whatever loader read them.
    """

    train: Part
    validation: Part
    test: Part
    classes: int
    white: float
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("train", "validation", "test"):
            sound(getattr(self, name), self.classes, f"the {name} images")
        shapes = {part.images.shape[1:] for part in (self.train, self.validation, self.test)}
        if len(shapes) > 1:
            raise CouldNotError("the data set's images are not all of one size: make them so")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        channels, height, width = self.train.images.shape[1:]
        return channels, height, width

    def to(self, device: torch.device) -> "Data":
        """The same data on `device`."""
        parts = {name: getattr(self, name).to(device) for name in ("train", "validation", "test")}
        return replace(self, **parts)


def sound(part: Part, classes: int, what: str) -> Part:
    """The part, if it holds bytes as images and a class for each of them.

    Raises `CouldNotError`, naming `what`, for any other: a file's numbers may be anything.
    """
    images, labels = part.images, part.labels
    if images.dtype != torch.uint8 or images.ndim != 4 or labels.dtype != torch.int64:
        rule = f"are {images.dtype} of {images.ndim} dimensions, not bytes of 4"
    elif labels.shape != images.shape[:1]:
        rule = f"are {len(images):,}, and their labels {len(labels.flatten()):,}"
    elif not images.numel():
        rule = "are none"
    elif labels.min() < 0 or labels.max() >= classes:
        rule = f"have labels from {labels.min()} to {labels.max()}, not from 0 to {classes - 1}"
    else:
        return part
    raise CouldNotError(f"{what} {rule}: replace the data set's files")


def split(part: Part, share: float, seed: int, option: str) -> tuple[Part, Part]:
    """Cut off `share` of a part, each class in proportion: (the rest, the share).

    `option` is what the user would change; it is named in the `UsageError` that is raised where a
    class has too few images.
    """
    try:
        rest, cut = train_test_split(
            np.arange(len(part)),
            test_size=share,
            random_state=seed,
            stratify=part.labels.numpy(),
        )
    except ValueError as error:
        raise UsageError(
            f"{option} {share:g} cannot cut {len(part)} images so that both parts have every "
            "class: take a share such as 0.1, or add images"
        ) from error
    pieces = [torch.from_numpy(np.sort(indices)) for indices in (rest, cut)]
    first, second = (Part(part.images[piece], part.labels[piece]) for piece in pieces)
    return first, second


def set_test_aside(part: Part) -> tuple[Part, Part]:
    """Cut off a fifth for testing, as `split` does: (the rest, the test images)."""
    return split(part, TEST_SHARE, TEST_SEED, "the test share")
