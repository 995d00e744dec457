"""MNIST, Fashion-MNIST and CIFAR-10: what their files hold, and what is said where they lack."""

import pickle

import pytest
import torch
import torchvision

from paretoprune.errors import CouldNotError
from paretoprune.problem.datasets import DATASETS
from paretoprune.problem.datasets.downloads import fetch
from tests.support.data_files import cifar, fashion
from tests.support.problems import source


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
