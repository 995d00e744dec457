"""Files of MNIST and CIFAR-10 may be a stranger's too: what cannot be is refused by name."""

import pickle
import struct
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torchvision

from paretoprune.errors import CouldNotError
from paretoprune.problem.datasets import DATASETS, Data, Split
from paretoprune.problem.datasets import downloads as downloads_module
from paretoprune.problem.datasets.parts import checked_images
from tests.support.hostile_files import Touching
from tests.support.problems import source


def part(images=(4, 1, 8, 8), labels=(0, 1, 2, 1), kind=torch.uint8):
    return Split((torch.zeros(images, dtype=kind),), torch.as_tensor(labels))


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (part(kind=torch.float32), "are torch.float32 of 4 dimensions, not bytes of 4"),
        (part(images=(4, 8, 8)), "are torch.uint8 of 3 dimensions, not bytes of 4"),
        (part(labels=(0.0, 1.0, 2.0, 1.0)), "have labels that are torch.float32 of 1 dimensions"),
        (part(labels=(0, 1, 2)), "are 4, and their labels 3"),
        (part(images=(0, 1, 8, 8), labels=torch.zeros(0, dtype=torch.int64)), "are none"),
        (part(images=(4, 1, 0, 8)), "are none"),
        (part(labels=(0, 1, 2, 3)), "have labels from 0 to 3, not from 0 to 2"),
        (part(labels=(0, -1, 2, 1)), "have labels from -1 to 2, not from 0 to 2"),
    ],
)
def test_parts_that_are_no_images_with_classes_are_refused(wrong, rule):
    good = part()
    assert checked_images(good, 3, "these") is good
    with pytest.raises(CouldNotError, match=f"^these {rule}.*: replace the data set's files"):
        checked_images(wrong, 3, "these")
    for name in ("train", "validation", "test"):
        parts = {**dict.fromkeys(("train", "validation", "test"), good), name: wrong}
        with pytest.raises(CouldNotError, match=f"^the {name} samples|not all of one shape"):
            Data(**parts, classes=3, white=255.0)


def test_images_of_several_sizes_are_refused():
    data = Data(part(), part(), part(), classes=3, white=255.0)
    with pytest.raises(CouldNotError, match="not all of one shape"):
        replace(data, test=part(images=(4, 3, 8, 8)))


def idx(*sizes, content=None, kind=8):
    """A file of MNIST's format."""
    length = 1
    for size in sizes:
        length *= size
    body = bytes(length) if content is None else bytes(content)
    return struct.pack(f">BBBB{len(sizes)}I", 0, 0, kind, len(sizes), *sizes) + body


LABELS = [n % 10 for n in range(40)]

GOOD = {
    "train-images-idx3-ubyte": idx(40, 8, 8),
    "train-labels-idx1-ubyte": idx(40, content=LABELS),
    "t10k-images-idx3-ubyte": idx(40, 8, 8),
    "t10k-labels-idx1-ubyte": idx(40, content=LABELS),
}


def mnist(folder, **changes):
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, content in {**GOOD, **changes}.items():
        (raw / name).write_bytes(content)
    return DATASETS["mnist"](source(folder, 0.25))


def test_small_files_of_the_format_of_mnist_are_read(tmp_path):
    assert mnist(tmp_path).shape == (1, 8, 8)


@pytest.mark.parametrize(
    ("file", "content", "rule"),
    [
        ("train-labels-idx1-ubyte", idx(40, content=[200, *LABELS[1:]]), "labels from 0 to 200"),
        ("t10k-labels-idx1-ubyte", idx(40, content=[10, *LABELS[1:]]), "not from 0 to 9"),
        ("train-labels-idx1-ubyte", idx(39, content=LABELS[1:]), "are 40, and their labels 39"),
        ("train-images-idx3-ubyte", idx(2**31, 8, 8, content=b"x"), "unreadable"),
        ("train-images-idx3-ubyte", idx(40, 8, 8)[:-9], "unreadable"),
        ("train-images-idx3-ubyte", idx(40, 64), "unreadable"),
        ("train-images-idx3-ubyte", idx(40, 8, 8, kind=13), "unreadable"),
        ("train-images-idx3-ubyte", b"", "unreadable"),
        ("train-images-idx3-ubyte", b"\0\0\x08\x09", "unreadable"),
        ("t10k-images-idx3-ubyte", idx(40, 9, 9), "not all of one shape"),
        ("t10k-images-idx3-ubyte", idx(0, 8, 8), "unreadable"),
    ],
)
def test_corrupt_files_of_mnist_are_refused(tmp_path, file, content, rule):
    with pytest.raises(CouldNotError) as refusal:
        mnist(tmp_path, **{file: content})
    assert rule in str(refusal.value)
    assert str(refusal.value).isprintable()


def test_a_file_that_is_mostly_holes_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads_module, "MOST_BYTES", 100)
    with pytest.raises(CouldNotError, match=r"train-images-idx3-ubyte is far too large"):
        mnist(tmp_path)


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_what_old_versions_pickled_is_not_read(tmp_path, name):
    kind = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST"}[name]
    processed = tmp_path / kind / "processed"
    processed.mkdir(parents=True)
    for file in ("training.pt", "test.pt"):
        (processed / file).write_bytes(pickle.dumps(Touching()))
    with pytest.raises(CouldNotError, match=r"processed is not read, as it may hold programs"):
        DATASETS[name](source(tmp_path))
    assert not Path("touched").exists()


def test_a_foreign_cifar10_is_never_unpickled(tmp_path, monkeypatch):
    """torchvision compares the sums of all files before it opens one; so it must stay."""
    monkeypatch.setattr(torchvision.datasets.CIFAR10, "url", "http://127.0.0.1:9/cifar.tar.gz")
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for file in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta"):
        (folder / file).write_bytes(pickle.dumps(Touching()))
    with pytest.raises(CouldNotError, match="CIFAR-10 is not in"):
        DATASETS["cifar10"](source(tmp_path))
    assert not Path("touched").exists()
