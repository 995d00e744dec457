"""Images and data sets may be a stranger's too: what cannot be is skipped, or refused by name."""

import os
import pickle
import random
import struct
import subprocess
import sys
import threading
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torchvision
from PIL import Image

from paretoprune.datasets import DATASETS, Data, Part
from paretoprune.datasets import downloads as downloads_module
from paretoprune.datasets import images as images_module
from paretoprune.datasets.images import Room, read_headers, read_squares
from paretoprune.datasets.parts import sound
from paretoprune.errors import CouldNotError
from tests import spoiling
from tests.pictures import fill, load, save
from tests.problems import source
from tests.test_hostile import Touching

LARGE = 178_000_000  # pixels, a little less than Pillow refuses


def skipped(data):
    return next((note for note in data.notes if note.startswith("skipped")), "")


def chunk(kind, content):
    """A part of a PNG."""
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def png(width, height, *more, colours=0, rows=b""):
    """A PNG that says its size, with other parts before its pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, colours, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(rows, 9))
    parts = [chunk(b"IHDR", header), *more, pixels, chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def text_of(size):
    return chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"a" * size, 9))


HOSTILE = {
    "too many pixels": png(100_000, 100_000),
    "endless": png(2**31 - 1, 1),
    "no pixels": png(0, 8),
    "pixels that are none": png(8, 8)[:45] + b"no deflated bytes" + png(8, 8)[-20:],
    "text": png(8, 8, text_of(3_000_000), rows=b"\0" * 72),
    "a part longer than the file": png(8, 8)[:33] + struct.pack(">I", 2**31 - 1) + b"tEXtx",
    "a tag of four thousand million values": (
        b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHII", 0x0100, 4, 2**32 - 1, 8) + b"\0" * 8
    ),
    "pickle": pickle.dumps(Touching()),
    "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n",
    "nothing": b"",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_image_is_skipped_and_named(tmp_path, name):
    fill(tmp_path / "mine")
    (tmp_path / "mine" / "cat" / "x.png").write_bytes(HOSTILE[name])
    data = load(tmp_path / "mine")
    assert skipped(data) == "skipped 1 file that could not be read: cat/x.png"
    assert len(data.train) + len(data.validation) + len(data.test) == 20
    assert not Path("touched").exists()


def test_only_the_first_picture_of_an_animation_is_read(tmp_path):
    fill(tmp_path / "train")
    first, other = (Image.new("RGB", (8, 8), colour) for colour in ("red", "blue"))
    for name in ("x.gif", "x.webp", "x.png", "x.tif"):
        more = {"save_all": True, "append_images": [other] * 5}
        save(tmp_path / "test" / "cat" / name, first, lossless=True, **more)
    images = load(tmp_path).test.images
    assert (images[:, 0] == 255).all()
    assert (images[:, 2] == 0).all()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_nobody_waits_at_a_pipe(tmp_path):
    fill(tmp_path / "mine")
    os.mkfifo(tmp_path / "mine" / "cat" / "x.png")
    assert load(tmp_path / "mine").notes[1] == "ignored 1 file not named as an image"


def test_a_name_is_no_command_to_the_terminal(tmp_path):
    fill(tmp_path / "mine")
    (tmp_path / "mine" / "cat" / "\x1b[2J\n.png").write_bytes(b"no image")
    assert skipped(load(tmp_path / "mine")).endswith(r"cat/\x1b[2J\n.png")


def test_a_file_that_is_mostly_holes_is_skipped(tmp_path):
    """Its header says that a part of it is a gigabyte long, which would be read at once."""
    fill(tmp_path / "mine")
    path = tmp_path / "mine" / "cat" / "x.png"
    path.write_bytes(HOSTILE["a part longer than the file"])
    os.truncate(path, images_module.MOST_BYTES + 1)
    assert skipped(load(tmp_path / "mine")).endswith("cat/x.png")


def test_threads_share_the_memory_of_one_large_image():
    room, held, most = Room(100), [], []

    def work(wanted):
        for _ in range(50):
            with room.take(wanted):
                held.append(wanted)
                most.append(sum(list(held)))
                held.remove(wanted)

    threads = [threading.Thread(target=work, args=(wanted,)) for wanted in (100, 60, 50, 30, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) <= 100
    assert len(most) == 250
    with pytest.raises(ValueError, match="needs 101 bytes"), room.take(101):
        pass


def test_large_images_wait_for_each_other(tmp_path, monkeypatch):
    """Two images of which only one has room are read one after the other."""
    paths = [str(save(tmp_path / f"{n}.png", size=(100, 100))) for n in range(2)]
    monkeypatch.setattr(images_module, "CHUNK", 1)
    monkeypatch.setattr(images_module, "ROOM", Room(100 * 100 * 4))
    real, inside = images_module.ImageOps.fit, []

    def fit(image, size):
        inside.append(len(inside))
        assert inside == [0]
        fitted = real(image, size)
        inside.pop()
        return fitted

    monkeypatch.setattr(images_module.ImageOps, "fit", fit)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert read_squares(paths * 20, 8, 3)[1].all()
    finally:
        torch.set_num_threads(threads)
    monkeypatch.setattr(images_module, "ROOM", Room(100 * 100 * 4 - 1))
    assert not read_squares(paths, 8, 3)[1].any()


READ_LARGE = """
import re, sys, torch
from pathlib import Path
from paretoprune.datasets import images
torch.set_num_threads(4)
images.CHUNK = 1
images.read_squares(sys.argv[1:], 8, 3)
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1000)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the peak of a process's memory")
def test_the_largest_images_take_the_memory_of_one(tmp_path):
    """Four threads would need 14 GB of these, which take a few hundred KB on disk.

    One takes 1.4 GB and PyTorch 0.7; of what a thread gives back, the C library keeps some.
    """
    side = int(LARGE**0.5)
    path = tmp_path / "large.png"
    path.write_bytes(png(side, side, colours=6, rows=b"\0" * (4 * side + 1) * side))
    command = [sys.executable, "-c", READ_LARGE, *[str(path)] * 4]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    assert int(ended.stdout) < 4500


@pytest.mark.parametrize("path", spoiling.corpus("image"), ids=lambda path: path.name)
def test_spoilt_images_are_read_or_skipped(tmp_path, path):
    """Each of the corpus, and thirty that differ from it in a few bytes."""
    rng, content = random.Random(path.name), path.read_bytes()
    contents = [content, *(spoiling.spoil_bytes(content, rng.choice) for _ in range(30))]
    paths = [tmp_path / f"{number}{path.suffix}" for number in range(len(contents))]
    for place, spoilt in zip(paths, contents, strict=True):
        place.write_bytes(spoilt)
    headers = read_headers([str(place) for place in paths])
    images, is_read = read_squares([str(place) for place in paths], 8, 3)
    assert images.shape == (31, 3, 8, 8)
    assert len(headers) == len(is_read)


# Data sets


def part(images=(4, 1, 8, 8), labels=(0, 1, 2, 1), kind=torch.uint8):
    return Part(torch.zeros(images, dtype=kind), torch.as_tensor(labels))


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (part(kind=torch.float32), "are torch.float32 of 4 dimensions, not bytes of 4"),
        (part(images=(4, 8, 8)), "are torch.uint8 of 3 dimensions, not bytes of 4"),
        (part(labels=(0.0, 1.0, 2.0, 1.0)), "not bytes of 4"),
        (part(labels=(0, 1, 2)), "are 4, and their labels 3"),
        (part(images=(0, 1, 8, 8), labels=torch.zeros(0, dtype=torch.int64)), "are none"),
        (part(images=(4, 1, 0, 8)), "are none"),
        (part(labels=(0, 1, 2, 3)), "have labels from 0 to 3, not from 0 to 2"),
        (part(labels=(0, -1, 2, 1)), "have labels from -1 to 2, not from 0 to 2"),
    ],
)
def test_parts_that_are_no_images_with_classes_are_refused(wrong, rule):
    good = part()
    assert sound(good, 3, "these") is good
    for name in ("train", "validation", "test"):
        parts = {**dict.fromkeys(("train", "validation", "test"), good), name: wrong}
        with pytest.raises(CouldNotError, match="replace the data set's files") as refusal:
            Data(**parts, classes=3, white=255.0)
        assert str(refusal.value).startswith(f"the {name} images {rule}") or rule in str(
            refusal.value
        )


def test_images_of_several_sizes_are_refused():
    data = Data(part(), part(), part(), classes=3, white=255.0)
    with pytest.raises(CouldNotError, match="not all of one size"):
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
        ("t10k-images-idx3-ubyte", idx(40, 9, 9), "not all of one size"),
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
