"""The examples, as a user goes through them on the command line, at a small size."""

import importlib
import json
import os
import tarfile
from pathlib import Path

import pytest

import paretoprune as pp
from paretoprune.study import storage
from tests.support.checkout import ROOT

pytestmark = pytest.mark.slow


ARCHIVE = "cifar10-images.tar.xz"
EACH = 24  # pictures of a class


@pytest.fixture(autouse=True)
def _from_the_checkout(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)


@pytest.fixture
def photos():
    """A few of CIFAR-10's images of two classes, as a folder."""
    folder = Path(os.environ.get("PARETOPRUNE_DATA", ""))
    if not (folder / ARCHIVE).is_file():
        pytest.skip(f"needs real photos: PARETOPRUNE_DATA names no folder that holds {ARCHIVE}")
    found = {}
    with tarfile.open(folder / ARCHIVE) as archive:
        for member in archive:
            name = Path(member.name).parent.name
            if member.isfile() and found.setdefault(name, 0) < EACH:
                found[name] += 1
                place = Path("photos") / name / Path(member.name).name
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(archive.extractfile(member).read())
            if list(found.values()) == [EACH, EACH]:
                return "folder:photos"
    raise AssertionError(f"{ARCHIVE} holds too few photos")


def go_through(paretoprune, name, dataset, *options):
    """Check, sweep, look for the knee, and write a network compactly: the front's smallest, if any.

    Returns the table, and what was exported.
    """
    what = [f"--model=examples.{name}:model", f"--dataset={dataset}", *options]
    checked = paretoprune("check", *what, "--json")
    assert checked.code == 0, checked.err
    swept = paretoprune("sweep", name, *what, "--smgd=0")
    assert swept.code == 0, swept.err
    knee = paretoprune("knee", name)
    assert knee.code == 0, knee.err
    study = pp.Study(name)
    run = [*study.points["run_id"], *study.front()["run_id"]][-1]
    compact = [f"--run={run}", "--compact", "--not-timed", "--json"]
    for ending in ("onnx", "safetensors"):
        written = paretoprune("export", name, "-o", f"{name}.{ending}", *compact)
        assert written.code == 0, written.err
        exported = json.loads(written.out)
        assert exported["apart"] < 1e-3
        assert exported["file_apart"] < 1e-3
        assert not exported["reason"]
    return storage.read(Path(name)), exported


def parameters(name, *given):
    """How many parameters a network has with the weights of the compact file."""
    model = importlib.import_module(f"examples.{name}").model
    network = pp.load_compact(f"{name}.safetensors", model(*given))
    return sum(one.numel() for one in network.parameters())


def test_a_regression_on_a_table(paretoprune):
    options = ["--loss=mse", "--inputs=standard", "--validation=0.2", "--complexity=group-l1"]
    quick = ["--epochs=30", "--batch-size=32", "--lr=0.003", "--max-runs=6"]
    points, exported = go_through(paretoprune, "tabular", "examples.tabular:data", *options, *quick)
    assert points["test_error"].min() < 0.8  # R² above 0.2
    assert exported["left"]["parameters"] < exported["stored"]["parameters"] / 2
    assert parameters("tabular", (10,)) == exported["left"]["parameters"]


def test_a_forecast_of_a_signal(paretoprune):
    options = ["--loss=mse", "--complexity=group-l1"]
    quick = ["--epochs=2", "--lr=0.003", "--max-runs=3"]
    points, exported = go_through(paretoprune, "signals", "examples.signals:data", *options, *quick)
    assert points["test_error"].min() < 0.4  # R² above 0.6
    assert parameters("signals", (1, 96), 16) == exported["left"]["parameters"]


def test_a_transformer_on_texts(paretoprune):
    quick = ["--epochs=3", "--lr=0.003", "--max-runs=2", "--fleet=1"]
    points, exported = go_through(paretoprune, "transformer", "examples.transformer:data", *quick)
    assert points["test_error"].min() < 0.7  # chance is 0.8
    assert parameters("transformer", (32,), 10) == exported["left"]["parameters"]


def test_a_resnet_on_photos(paretoprune, photos):
    quick = ["--image-size=8", "--epochs=1", "--batch-size=16", "--max-runs=2", "--fleet=1"]
    _, exported = go_through(paretoprune, "resnet18", photos, *quick, "--validation=0.2")
    assert exported["stored"]["parameters"] == 11_169_858  # torchvision's, but its first and last
    assert parameters("resnet18", (3, 8, 8), 2) == exported["left"]["parameters"]
