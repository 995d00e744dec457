"""Images may be a stranger's too: what cannot be is skipped and named."""

import os
import pickle
import random
import struct
import subprocess
import sys
import threading
import zlib
from pathlib import Path

import pytest
import torch
from PIL import Image

from paretoprune.problem.datasets import images as images_module
from paretoprune.problem.datasets.images import Room, read_headers, read_squares
from tests.support import spoiling
from tests.support.hostile_files import Touching
from tests.support.image_folders import fill, load, save

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
    images = load(tmp_path).test.inputs[0]
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
from paretoprune.problem.datasets import images
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
