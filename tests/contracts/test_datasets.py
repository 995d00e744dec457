"""Data sets: bytes, classes, and stratified splits that depend on the seed alone."""

import numpy as np
import pytest
import torch
from PIL import Image

from paretoprune.errors import UsageError
from paretoprune.problem.datasets import DATASETS
from paretoprune.problem.datasets.parts import split
from tests.support.data_files import cifar, fashion
from tests.support.problems import problem, source


def photos(folder):
    """Noise in three classes."""
    generator = np.random.default_rng(0)
    for part, images in (("train", 20), ("test", 5)):
        for number in range(3 * images):
            path = folder / part / str(number % 3) / f"{number:02}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(generator.integers(256, size=(8, 8, 3), dtype=np.uint8)).save(path)


@pytest.fixture(params=DATASETS)
def load(request, tmp_path, monkeypatch):
    """A loader of data with validation share and seed."""
    name, folder, more = request.param, tmp_path / "data", {}
    if name in ("mnist", "fashion-mnist"):
        data_dir = request.getfixturevalue("data_dir")
        if name == "mnist":
            folder = data_dir
        else:
            fashion(folder, data_dir)
    elif name == "cifar10":
        cifar(folder, monkeypatch)
    elif name == "folder":
        photos(folder)
        more = {"path": folder}
    return lambda share=0.1, seed=0: DATASETS[name](source(folder, share, seed, **more))


def shares(labels):
    return torch.bincount(labels, minlength=10) / len(labels)


def all_images(data):
    return torch.cat([part.inputs[0] for part in (data.train, data.validation, data.test)])


def test_images_are_bytes_and_labels_are_classes(load):
    data = load()
    for part in (data.train, data.validation, data.test):
        assert part.inputs[0].dtype == torch.uint8
        assert part.inputs[0].shape[1:] == data.shape
        assert part.targets.dtype == torch.int64
        assert set(part.targets.tolist()) == set(range(data.classes))
    assert data.train.inputs[0].max() == data.white


def test_the_validation_images_are_a_stratified_share(load):
    data = load(share=0.2)
    kept = len(data.validation) / (len(data.train) + len(data.validation))
    assert kept == pytest.approx(0.2, abs=1e-3)
    torch.testing.assert_close(
        shares(data.train.targets), shares(data.validation.targets), atol=4e-3, rtol=0
    )


def test_the_split_depends_on_the_seed_and_the_test_images_do_not(load):
    first, again, other = load(), load(), load(seed=1)
    assert torch.equal(first.validation.inputs[0], again.validation.inputs[0])
    assert not torch.equal(first.validation.inputs[0], other.validation.inputs[0])
    assert torch.equal(first.test.inputs[0], other.test.inputs[0])


def test_no_image_is_in_two_parts():
    data = DATASETS["digits"](source(None, 0.3, 0))
    sizes = [len(part) for part in (data.train, data.validation, data.test)]
    assert sum(sizes) == 1797
    everything = all_images(data)
    expected = DATASETS["digits"](source(None, 0.1, 5))
    other = all_images(expected)
    assert sorted(map(tuple, everything.flatten(1).tolist())) == sorted(
        map(tuple, other.flatten(1).tolist())
    )


def test_a_split_that_cannot_be_names_its_option():
    data = DATASETS["digits"](source(None, 0.1, 0))
    with pytest.raises(UsageError, match=r"--validation 0\.001 cannot cut"):
        split(data.train, 0.001, 0, "--validation")


def test_the_constant_prediction_is_the_class_frequencies():
    task = problem()
    data = task.problem.data
    expected = -(shares(data.train.targets).log()[data.validation.targets]).mean().item()
    assert task.constant_loss == pytest.approx(expected)
