"""Image folders: a user's images, in one sub-folder per class."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import torch
from numpy.typing import NDArray

from paretoprune.errors import CouldNotError, UsageError, printable
from paretoprune.problem.datasets.classes import TESTS, TRAIN, Found, find
from paretoprune.problem.datasets.images import SUFFIXES, Header, read_headers, read_squares
from paretoprune.problem.datasets.parts import Data, DataConfig, Split, set_test_aside, split

LARGEST_DEFAULT = 64  # pixels: the largest images without --image-size
SMALLEST = 4  # pixels, the smallest --image-size
NAMED = 5  # files or classes that a message names; it counts the others
COPIES = 2  # copies of all images in memory: the parts are cut before the whole is freed


@dataclass(frozen=True)
class Files:
    """The files of an image folder.

    Attributes:
        option: The option as the user wrote it, for messages.
        root: The folder that it names.
        classes: Names of the classes, sorted.
        paths: Paths of the image files [N], the training images first.
        labels: Class indices of the files [N].
        train: Number of training images.
        test_name: Name of the folder that holds the other images, if there is one.
    """

    option: str
    root: Path
    classes: list[str]
    paths: list[str]
    labels: NDArray[np.int64]
    train: int
    test_name: str | None


@dataclass(frozen=True)
class Pictures:
    """The pixels of the image files that can be read.

    Attributes:
        images: Pixels [M, C, S, S] of the M readable files.
        readable: Whether each of the N files can be read [N].
        headers: Headers of the files [N]; `None` for a file that is not an image.
    """

    images: NDArray[np.uint8]
    readable: NDArray[np.bool_]
    headers: list[Header | None]  # [N]


def folder(source: DataConfig) -> Data:
    """Load the images of `source.path` as squares.

    The side of the squares is `source.image_size` pixels. If that is 0, it is the shorter side of
    the smallest image, and at most 64 pixels.

    Raises:
        UsageError: If there are too few images, or if they do not lie in a folder per class.
        CouldNotError: If a folder cannot be read, or if memory cannot hold the images.
    """
    option, root = _existing(source.path or Path())
    found = find(root)
    files = _files(option, root, found)
    pictures = _read(files, source.image_size)
    rest, test = _rest_and_test(files, pictures)
    notes = tuple(_notes(source, files, found, pictures, (len(rest), test)))
    del pictures  # frees them before the next copy
    train, held_out = split(rest, source.validation, source.seed, "--validation")
    return Data(train, held_out, test, classes=len(files.classes), white=255.0, notes=notes)


def _existing(path: Path) -> tuple[str, Path]:
    """Return the option as the user wrote it, and the folder that it names."""
    option = f"--dataset folder:{printable(str(path))}"
    wanted = "name a folder that holds a sub-folder of images for each class"
    try:
        root = path.expanduser()
        if root.is_dir():
            return option, root
        reason = "this is a file" if root.exists() else "the folder does not exist"
    except (OSError, RuntimeError) as error:  # an invalid name, an unknown home folder
        reason = f"the folder cannot be ({error})"
    raise UsageError(f"{option}: {reason}; {wanted}")


def _files(option: str, root: Path, found: Found) -> Files:
    classes = sorted(found.train)
    if not classes:
        raise UsageError(
            f"{option} holds no sub-folders: put the images of each class into one of its own"
        )
    if foreign := sorted(found.test.keys() - found.train.keys()):
        raise UsageError(
            f"{option}: {found.test_name}/ has classes that {TRAIN}/ lacks ({_few(foreign)}): "
            "add their training images, or remove them"
        )
    parts = [
        [(path, label) for label, name in enumerate(classes) for path in part.get(name, [])]
        for part in (found.train, found.test)
    ]
    everything = [file for part in parts for file in part]
    return Files(
        option=option,
        root=root,
        classes=classes,
        paths=[path for path, _ in everything],
        labels=np.array([label for _, label in everything], np.int64),
        train=len(parts[0]),
        test_name=found.test_name,
    )


def _read(files: Files, image_size: int) -> Pictures:
    """Read the images that can be read.

    A broken file may be noticed only when its pixels are read. Size and channels are then planned
    again without it.
    """
    headers = read_headers(files.paths)
    readable = np.array([header is not None for header in headers], bool)
    _require_enough(files, readable)
    side, channels = plan = _plan(headers, readable, image_size)
    while True:
        _require_memory(files.option, int(readable.sum()), channels, side)
        paths = [path for path, good in zip(files.paths, readable, strict=True) if good]
        images, good = read_squares(paths, side, channels)
        if good.all():
            return Pictures(images, readable, headers)
        readable[np.flatnonzero(readable)] = good
        _require_enough(files, readable)
        side, channels = again = _plan(headers, readable, image_size)
        if again == plan:
            return Pictures(images[good], readable, headers)
        plan = again  # only broken files were so small, or in colour


def _plan(
    headers: list[Header | None], readable: NDArray[np.bool_], image_size: int
) -> tuple[int, int]:
    """Return the side (pixels) and the number of channels of the images that are read."""
    kept = [header for header, good in zip(headers, readable, strict=True) if header and good]
    side = image_size or min(LARGEST_DEFAULT, min(header.side for header in kept))
    return side, 1 if all(header.grey for header in kept) else 3


def _require_enough(files: Files, readable: NDArray[np.bool_]) -> None:
    """Raise `UsageError` unless there are enough readable images.

    At least two classes are needed. Each class needs a training image, and a folder of test images
    needs an image.
    """
    if not files.paths:
        kinds = " ".join(suffix[1:] for suffix in SUFFIXES)
        raise UsageError(f"{files.option}: the sub-folders hold no images: add some ({kinds})")
    if not readable.any():
        raise UsageError(
            f"{files.option}: no image could be read ({_few(_names(files, ~readable))}): "
            "replace them by images that other programs can open"
        )
    known = set(files.labels[: files.train][readable[: files.train]].tolist())
    filled = [name for label, name in enumerate(files.classes) if label in known]
    if len(filled) < 2:
        raise UsageError(
            f"{files.option}: two classes or more need readable training images, and only these "
            f"have any: {_few(filled) or 'none'}; give each class a sub-folder of its own"
        )
    if empty := [name for name in files.classes if name not in filled]:
        raise UsageError(
            f"{files.option}: classes without readable training images ({_few(empty)}): add "
            "images, or remove the folders"
        )
    if files.test_name and not readable[files.train :].any():
        raise UsageError(
            f"{files.option}: {files.test_name}/ holds no readable images: add some, or remove it "
            f"and a fifth of {TRAIN}/ is set aside"
        )


def _require_memory(option: str, images: int, channels: int, side: int) -> None:
    """Raise `CouldNotError` if memory cannot hold the images and the parts cut from them."""
    needed = COPIES * images * channels * side**2
    available = psutil.virtual_memory().available
    if needed <= available:
        return
    fits = math.isqrt(available // (COPIES * images * channels))
    remedy = f"--image-size {fits} would fit" if fits >= SMALLEST else "take fewer images"
    raise CouldNotError(
        f"{option}: {images:,} images of {side} x {side} pixels need {_amount(needed)} of memory, "
        f"and {_amount(available)} are available: {remedy}"
    )


def _rest_and_test(files: Files, pictures: Pictures) -> tuple[Split, Split]:
    """Return the training images, which include the validation images, and the test images."""
    images, labels = torch.from_numpy(pictures.images), files.labels[pictures.readable]
    everything = Split((images,), torch.from_numpy(labels))
    if files.test_name:
        train = int(pictures.readable[: files.train].sum())
        rest, test = images[:train].clone(), images[train:].clone()
        return Split((rest,), everything.targets[:train]), Split(
            (test,), everything.targets[train:]
        )
    try:
        return set_test_aside(everything)
    except UsageError as error:
        raise UsageError(
            f"{files.option}: {_count(len(everything), 'image')} of {len(files.classes)} classes "
            "are too few to set a fifth aside for testing: add images, at least 5 to each class, "
            "or a folder test/ beside train/"
        ) from error


def _notes(
    source: DataConfig, files: Files, found: Found, pictures: Pictures, cut: tuple[int, Split]
) -> Iterator[str]:
    """Yield sentences on what was found, and on what a user might not expect."""
    (rest, test), (channels, side) = cut, pictures.images.shape[1:3]
    origin = (
        f"the test images are those in {files.test_name}/"
        if files.test_name
        else f"a fifth was set aside for testing, as there is no {TESTS[0]}/ beside a {TRAIN}/"
    )
    yield (
        f"{rest:,} training and {_count(len(test), 'test image')} of {len(files.classes)} "
        f"classes ({_few(files.classes)}), {side} x {side} pixels, "
        f"{'grey' if channels == 1 else 'colour'}; {origin}"
    )
    kept = {i: h.side for i, h in enumerate(pictures.headers) if h and pictures.readable[i]}
    if not source.image_size and side < min(LARGEST_DEFAULT, max(kept.values())):
        smallest = np.arange(len(files.paths)) == min(kept, key=lambda index: kept[index])
        yield (
            f"the images are no larger than the smallest, {_few(_names(files, smallest))}: "
            "--image-size sets another size"
        )
    if skipped := _names(files, ~pictures.readable):
        yield f"skipped {_count(len(skipped), 'file')} that could not be read: {_few(skipped)}"
    if found.others:
        yield f"ignored {_count(found.others, 'file')} not named as an image"
    if found.strays:
        yield f"ignored {_count(found.strays, 'image')} outside of the classes' folders"
    if found.unused:
        used = f"{TRAIN}/ and {files.test_name}/" if files.test_name else f"{TRAIN}/"
        yield f"not used, beside {used}: {_few([f'{name}/' for name in found.unused])}"
    present = set(test.targets.tolist())
    if absent := [name for label, name in enumerate(files.classes) if label not in present]:
        yield f"no test images of {_few(absent)}"


def _names(files: Files, which: NDArray[np.bool_]) -> list[str]:
    """Return paths relative to the folder that the user gave."""
    chosen = (files.paths[index] for index in np.flatnonzero(which))
    return [Path(path).relative_to(files.root).as_posix() for path in chosen]


def _few(names: Sequence[str]) -> str:
    """Join the first names, and count the others."""
    more = len(names) - NAMED
    shown = ", ".join(map(printable, names[:NAMED]))
    return f"{shown} and {more:,} more" if more > 0 else shown


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _amount(number: int) -> str:
    """Format a number of bytes in MB or GB."""
    return f"{number / 1e9:.2f} GB" if number >= 1e9 else f"{number / 1e6:.2f} MB"
