"""Small files in the formats of the data sets that are downloaded."""

import pickle

import numpy as np
import torchvision


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
