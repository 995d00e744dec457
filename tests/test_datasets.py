"""Data sets: bytes, stratified splits that depend on the seed alone; real MNIST."""

import pickle

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image

from paretoprune.analysis.aggregate import choosable
from paretoprune.analysis.choice import find_knee
from paretoprune.analysis.indicators import hypervolume_of
from paretoprune.analysis.snapshot import read_study
from paretoprune.errors import CouldNotError, UsageError
from paretoprune.problem.build import Environment
from paretoprune.problem.datasets import DATASETS
from paretoprune.problem.datasets.downloads import fetch
from paretoprune.problem.datasets.parts import split
from paretoprune.runner.request import SweepRequest
from paretoprune.runner.sweep import sweep
from tests.problems import problem, source


def fashion(folder, data_dir):
    """Fashion-MNIST's files have the format of MNIST's."""
    raw = folder / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for path in (data_dir / "MNIST" / "raw").iterdir():
        (raw / path.name).symlink_to(path)


CIFAR = {"data_batch_1": 300, "data_batch_2": 200, "test_batch": 100}  # images


def cifar(folder, monkeypatch):
    """Small batches in the format of CIFAR-10's; torchvision checks no sums of them."""
    batches = folder / "cifar-10-batches-py"
    batches.mkdir(parents=True)
    generator = np.random.default_rng(0)
    for name, images in CIFAR.items():
        data = generator.integers(256, size=(images, 3 * 32 * 32), dtype=np.uint8)
        batch = {"data": data, "labels": [i % 10 for i in range(images)]}
        (batches / name).write_bytes(pickle.dumps(batch))
    names = [f"class {number}" for number in range(10)]
    (batches / "batches.meta").write_bytes(pickle.dumps({"label_names": names}))
    files = [[name, None] for name in CIFAR]
    kind = torchvision.datasets.CIFAR10
    monkeypatch.setattr(kind, "train_list", files[:-1])
    monkeypatch.setattr(kind, "test_list", files[-1:])
    monkeypatch.setattr(kind, "meta", {**kind.meta, "md5": None})


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


def test_mnist_is_mnist(data_dir):
    data = DATASETS["mnist"](source(data_dir, 0.1, 0))
    assert (len(data.train), len(data.validation), len(data.test)) == (54_000, 6_000, 10_000)
    assert data.shape == (1, 28, 28)
    assert data.test.targets[:5].tolist() == [7, 2, 1, 0, 4]


def test_corrupt_mnist_is_named(data_dir, tmp_path, monkeypatch):
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for path in (data_dir / "MNIST" / "raw").iterdir():
        (raw / path.name).write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CouldNotError, match="MNIST/raw, or unreadable"):
        DATASETS["mnist"](source(tmp_path, 0.1, 0))


def test_fashion_mnist_is_read_from_its_own_folder(data_dir, tmp_path):
    fashion(tmp_path, data_dir)
    data, digits = (
        DATASETS[name](source(folder))
        for name, folder in (("fashion-mnist", tmp_path), ("mnist", data_dir))
    )
    assert data.shape == (1, 28, 28)
    assert torch.equal(data.test.inputs[0], digits.test.inputs[0])
    assert torch.equal(data.train.targets, digits.train.targets)


def test_cifar10_keeps_its_channels_apart(tmp_path, monkeypatch, capsys):
    cifar(tmp_path, monkeypatch)
    data = DATASETS["cifar10"](source(tmp_path, 0.2))
    assert (len(data.train), len(data.validation), len(data.test)) == (400, 100, 100)
    batch = pickle.loads((tmp_path / "cifar-10-batches-py" / "test_batch").read_bytes())
    expected = torch.from_numpy(batch["data"]).view(100, 3, 32, 32)  # red, then green, then blue
    assert torch.equal(data.test.inputs[0], expected)
    assert data.test.inputs[0].is_contiguous()
    assert data.test.targets.tolist() == batch["labels"]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mnist", r"MNIST is not in \S+MNIST/raw, .* train-images-idx3-ubyte, .* holds MNIST/raw$"),
        (
            "fashion-mnist",
            r"Fashion-MNIST is not in \S+FashionMNIST/raw, .* t10k-images-idx3-ubyte, "
            r".* --data-dir names another folder that holds FashionMNIST/raw$",
        ),
        (
            "cifar10",
            r"CIFAR-10 is not in \S+cifar-10-batches-py, .* did not work either \(.+\): looked for "
            r"data_batch_1, .* test_batch, .* another folder that holds cifar-10-batches-py$",
        ),
    ],
)
def test_missing_data_that_cannot_be_downloaded_are_named(
    name, said, tmp_path, monkeypatch, capsys
):
    nowhere = "http://127.0.0.1:9/"
    for kind in ("MNIST", "FashionMNIST"):
        monkeypatch.setattr(getattr(torchvision.datasets, kind), "mirrors", [nowhere])
    monkeypatch.setattr(torchvision.datasets.CIFAR10, "url", f"{nowhere}cifar.tar.gz")
    with pytest.raises(CouldNotError, match=said) as refusal:
        DATASETS[name](source(tmp_path))
    assert "\n" not in str(refusal.value)
    assert capsys.readouterr().out == ""


def test_what_torchvision_reports_is_no_answer(tmp_path, capsys):
    assert fetch(lambda: print("downloading") or 7, "name", tmp_path, "place", ["file"]) == 7
    assert capsys.readouterr() == ("", "downloading\n")


@pytest.mark.slow
def test_a_short_sweep_on_real_mnist(data_dir, tmp_path):
    """Two epochs a run: already small networks that are nearly as good as the dense one."""
    settings = {"dataset": "mnist", "model": "lenet5", "epochs": 2, "round_size": 10}
    summary = sweep(
        SweepRequest(
            folder=tmp_path / "study",
            settings=settings,
            budget={"max_runs": 10},
            environment=Environment(data_dir=data_dir),
        ),
        lambda event: None,
    )
    assert summary.ending == "budget"
    reading = read_study(summary.folder)
    networks = choosable(reading.networks)
    dense = networks[networks["lam"] == 0].iloc[0]
    assert dense["test_error"] < 0.03
    small = networks[networks["test_error"] < dense["test_error"] + 0.01]
    assert small["nonzeros"].min() < 0.05 * dense["nonzeros"]
    choice = find_knee(reading)
    assert choice.front.at[choice.network, "nonzeros"] < 0.1 * dense["nonzeros"]
    assert hypervolume_of(networks, 6000) > 0.25
