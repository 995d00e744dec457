"""MNIST: 60,000 + 10,000 handwritten digits of 28 x 28 pixels, by torchvision."""

import contextlib
import sys
from pathlib import Path

from paretoprune.datasets.parts import Data, Part, split
from paretoprune.errors import CouldNotError

FILES = tuple(
    f"{stem}-{kind}-ubyte" for stem in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
)


def mnist(data_dir: Path, validation: float, seed: int) -> Data:
    """Load MNIST from `data_dir`/MNIST/raw, downloading what is missing.

    Raises `CouldNotError`, naming the files and the folder, where that fails.
    """
    train, test = (_part(data_dir, is_train) for is_train in (True, False))
    rest, held_out = split(train, validation, seed, "--validation")
    return Data(rest, held_out, test, classes=10, white=255.0)


def _part(data_dir: Path, is_train: bool) -> Part:
    import torchvision  # here, because it takes longer to load than a sweep of the digits needs

    try:
        # torchvision reports its attempts on stdout, which is kept for answers
        with contextlib.redirect_stdout(sys.stderr):
            images = torchvision.datasets.MNIST(str(data_dir), train=is_train, download=True)
    except (OSError, RuntimeError, ValueError) as error:
        raise CouldNotError(
            f"MNIST is not in {data_dir / 'MNIST' / 'raw'}, or unreadable, and downloading it did "
            f"not work either ({str(error).splitlines()[0].rstrip(':')}): looked for "
            f"{', '.join(FILES)}; --data-dir names another folder that holds MNIST/raw"
        ) from error
    return Part(images.data.unsqueeze(1), images.targets)
