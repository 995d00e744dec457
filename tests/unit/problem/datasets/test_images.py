"""Your own images: what becomes of their pixels."""

from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from paretoprune.errors import CouldNotError
from tests.support.image_folders import fill, load, only, save

RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "mine"


@pytest.mark.parametrize("color", [RED, (0, 255, 0), BLUE])
def test_colours_end_in_their_channel(root, color):
    assert [channel.unique().tolist() for channel in only(root, color)] == [[c] for c in color]


def test_places_stay(root):
    picture = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8))
    pixels = only(root, picture, beside="L")
    assert torch.equal(pixels, torch.arange(64, dtype=torch.uint8).view(1, 8, 8))


def test_the_centre_of_a_long_image_is_kept(root):
    wide = Image.new("RGB", (24, 8), "red")
    wide.paste("blue", (8, 0, 16, 8))
    tall = wide.transpose(Image.Transpose.ROTATE_90)
    save(root / "test" / "dog" / "tall.png", tall)
    only(root, wide)
    for pixels in load(root).test.inputs[0]:
        assert [channel.unique().tolist() for channel in pixels] == [[0], [0], [255]]


def test_shrinking_averages(root):
    board = Image.fromarray((np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8))
    pixels = only(root, board, image_size=8, beside="L")
    assert (pixels.int() - 127).abs().max() <= 12


def test_the_default_size_is_the_smallest_side_and_named(root):
    fill(root)
    save(root / "cat" / "a.png", size=(7, 5))
    data = load(root)
    assert data.shape == (3, 5, 5)
    assert (
        "the images are no larger than the smallest, cat/a.png: --image-size sets another size"
        in data.notes
    )
    assert load(root, image_size=12).shape == (3, 12, 12)
    assert len(load(root, image_size=12).notes) == 1


def test_the_default_size_is_at_most_64(root):
    for number in range(10):
        save(root / "cat" / f"{number}.png", size=(70, 100))
        save(root / "dog" / f"{number}.png", size=(100, 70))
    assert load(root).shape == (3, 64, 64)


GREYS = {"L": 200, "1": 1, "LA": (200, 255), "I;16": 200 * 257}


@pytest.mark.parametrize("mode", GREYS)
def test_grey_images_have_one_channel(root, mode):
    pixels = only(root, GREYS[mode], mode=mode, beside="L")
    assert pixels.shape == (1, 8, 8)
    assert pixels.unique().tolist() == [255 if mode == "1" else 200]


def test_one_colour_image_gives_all_three_channels(root):
    pixels = only(root, 200, mode="L")
    assert pixels.shape == (3, 8, 8)
    assert pixels.unique().tolist() == [200]


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_16_bit_grey_is_scaled(root, suffix):
    levels = np.linspace(0, 65535, 64).reshape(8, 8).astype(np.uint16)
    pixels = only(root, Image.fromarray(levels), name=f"x.{suffix}", beside="L")
    expected = torch.from_numpy(np.round(levels / 257).astype(np.uint8))
    assert torch.equal(pixels[0], expected)


def test_an_image_whose_white_is_unknown_is_skipped(root):
    fill(root)
    save(root / "cat" / "floats.tif", 0.5, mode="F")
    save(root / "cat" / "long.tif", 70_000, mode="I")
    assert "skipped 2 files that could not be read: cat/floats.tif, cat/long.tif" in (
        load(root).notes
    )


@pytest.mark.parametrize(
    ("mode", "color", "seen"),
    [
        ("RGBA", (255, 0, 0, 0), (255, 255, 255)),
        ("RGBA", (255, 0, 0, 255), (255, 0, 0)),
        ("LA", (0, 0), (255, 255, 255)),
        ("CMYK", (0, 255, 255, 0), (255, 0, 0)),
    ],
)
def test_other_modes_become_colours_on_white(root, mode, color, seen):
    pixels = only(root, color, mode=mode, name="x.tif")
    assert tuple(pixels[:, 4, 4].tolist()) == seen


def test_palettes_become_colours(root):
    picture = Image.new("P", (8, 8), 1)
    picture.putpalette([*RED, *BLUE])
    assert tuple(only(root, picture)[:, 4, 4].tolist()) == BLUE


@pytest.mark.parametrize("name", ["x.png", "x.gif"])
def test_the_transparent_colour_of_a_palette_is_white(root, name):
    picture = Image.new("P", (8, 8), 1)
    picture.putpalette([*RED, *BLUE])
    picture.paste(0, (0, 0, 4, 8))
    pixels = only(root, picture, name=name, transparency=1)
    assert tuple(pixels[:, 4, 6].tolist()) == (255, 255, 255)
    assert tuple(pixels[:, 4, 1].tolist()) == RED


def upright_and_turned(size, orientation):
    """A picture with a blue top, and as a camera stores it, lying on its side."""
    width, height = size
    upright = Image.new("RGB", size, "red")
    upright.paste("blue", (0, 0, width, height // 2))
    turn = {
        6: Image.Transpose.ROTATE_90,
        8: Image.Transpose.ROTATE_270,
        3: Image.Transpose.ROTATE_180,
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    return upright.transpose(turn[orientation]), exif


@pytest.mark.parametrize("orientation", [3, 6, 8])
@pytest.mark.parametrize("size", [(8, 8), (640, 640)])
def test_images_stand_upright(root, orientation, size):
    stored, exif = upright_and_turned(size, orientation)
    pixels = only(root, stored, name="x.jpg", exif=exif, quality=95, subsampling=0).int()
    assert (pixels[2, :3] > 200).all()
    assert (pixels[0, :3] < 50).all()
    assert (pixels[0, 5:] > 200).all()


def test_a_large_jpeg_is_reduced_as_if_all_of_it_were_decoded(root, monkeypatch):
    x, y = np.meshgrid(np.linspace(0, 255, 1001), np.linspace(0, 255, 753))
    picture = Image.fromarray(np.stack([x, y, 255 - x], -1).astype(np.uint8))
    pixels = only(root, picture, name="x.jpg", quality=95, image_size=64).int()
    decoded, real = [], JpegImageFile.draft

    def draft(self, mode, size):
        answer = real(self, mode, size)
        decoded.append(self.size)
        return answer

    monkeypatch.setattr(JpegImageFile, "draft", draft)
    assert torch.equal(load(root, 64).test.inputs[0][0].int(), pixels)
    assert decoded == [(251, 189)]
    monkeypatch.setattr(JpegImageFile, "draft", lambda *_: None)
    assert (load(root, 64).test.inputs[0][0].int() - pixels).abs().max() <= 4


def test_what_memory_would_not_hold_is_refused(root, monkeypatch):
    fill(root)
    needed = 2 * 20 * 3 * 100 * 100
    memory = SimpleNamespace(available=needed)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    assert load(root, image_size=100).shape == (3, 100, 100)
    memory.available -= 1
    with pytest.raises(CouldNotError) as refusal:
        load(root, image_size=100)
    assert str(refusal.value).endswith(
        "20 images of 100 x 100 pixels need 1.20 MB of memory, and 1.20 MB are available: "
        "--image-size 99 would fit"
    )
    memory.available = 1000
    with pytest.raises(CouldNotError, match="take fewer images"):
        load(root)
