"""Data sets: bytes, stratified splits that depend on the seed alone; real MNIST."""

import pytest
import torch

from paretoprune.datasets import DATASETS
from paretoprune.datasets.parts import split
from paretoprune.errors import CouldNotError, UsageError
from paretoprune.front import choosable, hypervolume_of
from paretoprune.problem import constant_loss
from paretoprune.reading import find_knee, read_study
from paretoprune.study import Request, sweep


@pytest.fixture(params=DATASETS)
def load(request):
    """A loader of data with validation share and seed."""
    folder = None if request.param == "digits" else request.getfixturevalue("data_dir")
    return lambda share=0.1, seed=0: DATASETS[request.param](folder, share, seed)


def shares(labels):
    return torch.bincount(labels, minlength=10) / len(labels)


def test_images_are_bytes_and_labels_are_classes(load):
    data = load()
    for part in (data.train, data.validation, data.test):
        assert part.images.dtype == torch.uint8
        assert part.images.shape[1:] == data.shape
        assert part.labels.dtype == torch.int64
        assert set(part.labels.tolist()) == set(range(data.classes))
    assert data.train.images.max() == data.white


def test_the_validation_images_are_a_stratified_share(load):
    data = load(share=0.2)
    kept = len(data.validation) / (len(data.train) + len(data.validation))
    assert kept == pytest.approx(0.2, abs=1e-3)
    torch.testing.assert_close(
        shares(data.train.labels), shares(data.validation.labels), atol=4e-3, rtol=0
    )


def test_the_split_depends_on_the_seed_and_the_test_images_do_not(load):
    first, again, other = load(), load(), load(seed=1)
    assert torch.equal(first.validation.images, again.validation.images)
    assert not torch.equal(first.validation.images, other.validation.images)
    assert torch.equal(first.test.images, other.test.images)


def test_no_image_is_in_two_parts():
    data = DATASETS["digits"](None, 0.3, 0)
    sizes = [len(part) for part in (data.train, data.validation, data.test)]
    assert sum(sizes) == 1797
    everything = torch.cat([data.train.images, data.validation.images, data.test.images])
    expected = DATASETS["digits"](None, 0.1, 5)
    other = torch.cat([expected.train.images, expected.validation.images, expected.test.images])
    assert sorted(map(tuple, everything.flatten(1).tolist())) == sorted(
        map(tuple, other.flatten(1).tolist())
    )


def test_a_split_that_cannot_be_names_its_option():
    data = DATASETS["digits"](None, 0.1, 0)
    with pytest.raises(UsageError, match=r"--validation 0\.001 cannot cut"):
        split(data.train, 0.001, 0, "--validation")


def test_the_constant_prediction_is_the_class_frequencies():
    data = DATASETS["digits"](None, 0.1, 0)
    expected = -(shares(data.train.labels).log()[data.validation.labels]).mean().item()
    assert constant_loss(data) == pytest.approx(expected)


def test_mnist_is_mnist(data_dir):
    data = DATASETS["mnist"](data_dir, 0.1, 0)
    assert (len(data.train), len(data.validation), len(data.test)) == (54_000, 6_000, 10_000)
    assert data.shape == (1, 28, 28)
    assert data.test.labels[:5].tolist() == [7, 2, 1, 0, 4]


def test_corrupt_mnist_is_named(data_dir, tmp_path, monkeypatch):
    import torchvision

    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for path in (data_dir / "MNIST" / "raw").iterdir():
        (raw / path.name).write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CouldNotError, match="MNIST/raw, or unreadable"):
        DATASETS["mnist"](tmp_path, 0.1, 0)


@pytest.mark.slow
def test_a_short_sweep_on_real_mnist(data_dir, tmp_path):
    """Two epochs a run: already small networks that are nearly as good as the dense one."""
    settings = {"dataset": "mnist", "model": "lenet5", "epochs": 2, "round_size": 6}
    summary = sweep(
        Request(
            folder=tmp_path / "study",
            settings=settings,
            budget={"max_runs": 6},
            data_dir=data_dir,
        ),
        lambda event: None,
    )
    assert summary.ending == "budget"
    reading = read_study(summary.folder)
    networks = choosable(reading.networks)
    dense = networks[networks["lam"] == 0].iloc[0]
    assert dense["test_error"] < 0.03
    small = networks[networks["test_error"] < dense["test_error"] + 0.01]
    assert small["nonzeros"].min() < 0.2 * dense["nonzeros"]
    assert find_knee(reading).network is not None
    assert hypervolume_of(networks, 6000) > 0.15
