"""Folders of small pictures, written for a test."""

from pathlib import Path

import torch
from PIL import Image

from paretoprune.problem.datasets import DATASETS
from tests.support.problems import source


def load(path, image_size=0, **more):
    return DATASETS["folder"](
        source(path=Path(path), image_size=image_size, **{"validation": 0.2, **more})
    )


def save(path, image="red", size=(8, 8), mode="RGB", **more):
    """Write an image, one colour where a colour is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = image if isinstance(image, Image.Image) else Image.new(mode, size, image)
    picture.save(path, **more)
    return path


def fill(folder, classes=("cat", "dog"), each=10, **more):
    """Folders of images that all differ."""
    shades = iter(range(10, 250))
    for name in classes:
        for number in range(each):
            shade = next(shades)
            picture = Image.new("RGB", (8, 8), (shade, 0, 0)) if not more else None
            save(folder / name / f"{number:02}.png", picture or shade, **more)


def only(root, image=None, *, name="x.png", image_size=0, **more):
    """The pixels [C, S, S] of an image that is the only test image."""
    mode = more.pop("beside", "RGB")
    fill_mode = {"mode": mode} if mode != "RGB" else {}
    fill(root / "train", **fill_mode)
    save(root / "test" / "cat" / name, image, **more)
    return load(root, image_size).test.inputs[0][0]


def everything(data):
    return torch.cat([part.inputs[0] for part in (data.train, data.validation, data.test)])


def assert_same_data(one, other):
    for part in ("train", "validation", "test"):
        assert torch.equal(getattr(one, part).inputs[0], getattr(other, part).inputs[0])
        assert torch.equal(getattr(one, part).targets, getattr(other, part).targets)
