"""MNIST and Fashion-MNIST, read by torchvision.

60,000 training and 10,000 test images of 28 x 28 pixels each, in grey and in 10 classes.
"""

from paretoprune.errors import CouldNotError
from paretoprune.problem.datasets.downloads import fetch
from paretoprune.problem.datasets.parts import Data, DataConfig, Split, checked_images, split

FILES = tuple(
    f"{stem}-{kind}-ubyte" for stem in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
)
CLASSES = 10
PICKLED = "processed"  # a folder that old versions of torchvision wrote


def mnist(source: DataConfig) -> Data:
    """Load MNIST from `data_dir`/MNIST/raw, and download missing files.

    Raises:
        CouldNotError: If it can be neither read nor downloaded; the message names the files and the
            folder.
    """
    return _load(source, "MNIST", "MNIST")


def fashion_mnist(source: DataConfig) -> Data:
    """Load Fashion-MNIST from `data_dir`/FashionMNIST/raw, and download missing files.

    Raises:
        CouldNotError: If it can be neither read nor downloaded; the message names the files and the
            folder.
    """
    return _load(source, "FashionMNIST", "Fashion-MNIST")


def _load(source: DataConfig, kind: str, name: str) -> Data:
    """Load one of the two data sets.

    `kind` is the name of torchvision's class and of the folder in `data_dir`, `name` the name in
    messages.
    """
    train, test = (_part(source, kind, name, is_train) for is_train in (True, False))
    rest, held_out = split(train, source.validation, source.seed, "--validation")
    return Data(rest, held_out, test, classes=CLASSES, white=255.0)


def _part(source: DataConfig, kind: str, name: str, is_train: bool) -> Split:
    import torchvision  # here, as loading it takes longer than a sweep of the digits

    folder = source.data_dir / kind
    if (folder / PICKLED).exists():  # torchvision would unpickle it and ignore the files
        raise CouldNotError(f"{folder / PICKLED} is not read, as it may hold programs: remove it")
    dataset = getattr(torchvision.datasets, kind)
    images = fetch(
        lambda: dataset(str(source.data_dir), train=is_train, download=True),
        name,
        source.data_dir,
        f"{kind}/raw",
        FILES,
    )
    part = Split((images.data.unsqueeze(1),), images.targets)
    which = "training" if is_train else "test"
    return checked_images(part, CLASSES, f"the {which} images in {folder}/raw")
