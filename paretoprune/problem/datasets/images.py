"""Image files: their headers, and their pixels as squares of bytes."""

import contextlib
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps

from paretoprune.errors import CouldNotError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
# A file is read as one of these, whatever its suffix: Pillow's other readers may start programs.
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
BACKGROUND = "white"  # colour behind transparent pixels
REDUCED = 2  # a large JPEG is decoded at no less than this multiple of the wanted size
CHUNK = 64  # files that a thread takes at once
# The largest image that Pillow opens needs `MOST_BYTES` in memory, whatever its size on disk. All
# threads together hold no more, so a folder of the largest images needs little more than one image.
PIXEL = 4  # bytes in memory
STRIP = 1_000_000  # pixels that are converted at once
MOST_BYTES = 2 * PIXEL * (Image.MAX_IMAGE_PIXELS or 0)

Item = TypeVar("Item")
Result = TypeVar("Result")


class Room:
    """A budget of bytes that threads share: a thread waits until enough of them are free."""

    def __init__(self, size: int) -> None:
        self.size = self._free = size
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def take(self, wanted: int) -> Iterator[None]:
        """Hold `wanted` bytes; raise `ValueError` if that is more than the whole budget."""
        if wanted > self.size:
            raise ValueError(f"needs {wanted:,} bytes")
        with self._changed:
            self._changed.wait_for(lambda: self._free >= wanted)
            self._free -= wanted
        try:
            yield
        finally:
            with self._changed:
                self._free += wanted
                self._changed.notify_all()


ROOM = Room(MOST_BYTES)


@dataclass(frozen=True)
class Header:
    """Facts in the header of an image: its shorter side in pixels, and whether it is grey."""

    side: int
    grey: bool


def read_headers(paths: Sequence[str]) -> list[Header | None]:
    """Read the headers of files; `None` stands for a file that is not a readable image."""
    return _each(_header, paths)


def read_squares(
    paths: Sequence[str], size: int, channels: int
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Read images as squares.

    Args:
        paths: Paths of N image files.
        size: Side of the squares in pixels.
        channels: 1 for grey images, 3 for colour.

    Returns:
        The images [N, C, size, size], and whether each could be read [N]. Images that could not be
            read are black.
    """
    images = np.zeros((len(paths), channels, size, size), np.uint8)

    def read(index: int) -> bool:
        images[index] = _square(paths[index], size, channels)
        return True

    return images, np.array([done is True for done in _each(read, range(len(paths)))], bool)


def _each(read: Callable[[Item], Result], items: Sequence[Item]) -> list[Result | None]:
    """Apply `read` to each item in threads, and keep the order; failures become `None`."""

    def chunk(start: int) -> list[Result | None]:
        return [_or_none(read, item) for item in items[start : start + CHUNK]]

    with warnings.catch_warnings(), ThreadPoolExecutor(torch.get_num_threads()) as pool:
        warnings.simplefilter("ignore")  # files that Pillow only warns about are read
        return [result for part in pool.map(chunk, range(0, len(items), CHUNK)) for result in part]


def _or_none(read: Callable[[Item], Result], item: Item) -> Result | None:
    try:
        return read(item)
    except MemoryError as error:  # skipping would make the data depend on the machine
        raise CouldNotError(
            "memory is too small to read the images: take smaller ones, or a machine with more"
        ) from error
    except Exception:  # decoders raise almost any type for broken files
        return None


def _header(path: str) -> Header:
    # Pillow reads some headers whole, whatever their length, and a sparse file may be huge
    size = Path(path).stat().st_size
    with ROOM.take(size), Image.open(path, formats=FORMATS) as image:
        if _is_wide(image) and not _is_16_bit(image):
            raise ValueError("which number is white is not known")
        grey = image.mode in ("1", "L", "LA", "La") or _is_16_bit(image)
        return Header(min(image.size), grey)


def _square(path: str, size: int, channels: int) -> NDArray[np.uint8]:
    """Read pixels [C, size, size]: upright, the shorter side resized, the longer one cropped."""
    with Image.open(path, formats=FORMATS) as image:
        image.draft(image.mode, (REDUCED * size, REDUCED * size))  # JPEGs only
        needed = max(Path(path).stat().st_size, PIXEL * image.width * image.height)
        with ROOM.take(needed), contextlib.closing(image):  # frees the pixels before the room
            ImageOps.exif_transpose(image, in_place=True)
            fitted = ImageOps.fit(_as_bytes(image, "L" if channels == 1 else "RGB"), (size, size))
    pixels = np.asarray(fitted)  # [size, size] or [size, size, 3]
    return pixels.reshape(size, size, channels).transpose(2, 0, 1)


def _as_bytes(image: Image.Image, mode: str) -> Image.Image:
    """Convert an image to `mode` (L or RGB), in strips so that no step copies all of it."""
    image.load()
    if image.mode == mode and "transparency" not in image.info:
        return image
    whole = Image.new(mode, image.size)
    height = max(STRIP // image.width, 1)
    for top in range(0, image.height, height):
        strip = image.crop((0, top, image.width, min(top + height, image.height)))
        whole.paste(_strip_as_bytes(strip, mode), (0, top))
    return whole


def _strip_as_bytes(image: Image.Image, mode: str) -> Image.Image:
    if _is_wide(image):
        wide = np.asarray(image).astype(np.uint32)  # 0 .. 65535; Pillow itself would clip at 255
        image = Image.fromarray(((wide + 128) // 257).astype(np.uint8))
    elif image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        page = Image.new("RGBA", image.size, BACKGROUND)
        image = Image.alpha_composite(page, image.convert("RGBA"))
    return image if image.mode == mode else image.convert(mode)


def _is_wide(image: Image.Image) -> bool:
    """Return whether a pixel has more than 8 bits."""
    return image.mode[0] in "IF"


def _is_16_bit(image: Image.Image) -> bool:
    return image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM"))
