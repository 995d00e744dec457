"""Images of one's own, as a user meets them on the command line."""

import os
from pathlib import Path

import pandas as pd
import pytest

from paretoprune.study import storage
from tests.support.image_folders import fill, save

pytestmark = pytest.mark.slow


QUICK = ["--model=mlp", "--epochs=2", "--max-runs=3", "--lr=0.01", "--smgd=0"]


@pytest.fixture
def pictures():
    fill(Path("pictures"), each=20)
    (Path("pictures") / "cat" / "broken.jpg").write_bytes(b"no image")
    return "folder:pictures"


def test_a_sweep_says_what_it_found(pictures, paretoprune):
    result = paretoprune("sweep", "--dataset", pictures, *QUICK)
    assert result.code == 0
    said = " ".join(result.err.split())
    assert "32 training and 8 test images of 2 classes (cat, dog), 8 x 8 pixels, colour" in said
    assert "skipped 1 file that could not be read: cat/broken.jpg" in said
    points = pd.read_parquet("pictures-mlp/points.parquet")
    assert (points["prunable_weights"] == 3 * 64 * 300 + 300 * 100 + 100 * 2).all()


@pytest.mark.slow
def test_a_study_finds_its_images_from_anywhere(pictures, paretoprune, tmp_path, monkeypatch):
    paretoprune("sweep", "study", "--dataset", pictures, *QUICK)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert paretoprune("sweep", tmp_path / "study", "--max-runs=4").code == 0
    assert paretoprune("sweep", tmp_path / "study", "--dataset=folder:../pictures").code == 0
    other = paretoprune("sweep", tmp_path / "study", "--dataset=folder:pictures")
    assert other.code == 2
    assert os.fspath(tmp_path / "elsewhere" / "pictures") in other.err


def test_images_that_changed_are_another_problem(pictures, paretoprune):
    paretoprune("sweep", "study", "--dataset", pictures, *QUICK)
    for number in range(40):
        save(Path("pictures") / "cat" / f"new{number}.png", (9, 9, number))
    result = paretoprune("sweep", "study", "--max-runs=5")
    assert result.code == 2
    assert "have changed since it began, from 4 validation and 8 test samples" in result.err
    assert len(storage.read(Path("study"))) == 3


def test_a_study_does_not_become_one_of_the_classes(pictures, paretoprune):
    result = paretoprune("sweep", "pictures/study", "--dataset", pictures, *QUICK)
    assert result.code == 2
    assert "would lie among the images" in result.err
    assert not Path("pictures/study").exists()


@pytest.mark.slow
def test_a_confirmation_is_told_apart_in_the_table(pictures, paretoprune):
    paretoprune("sweep", "study", "--dataset", pictures, *QUICK)
    assert paretoprune("knee", "study", "--at-most=nonzeros=1e9", "--confirm").code == 0
    assert "6 epochs" in paretoprune("show", "study", "--all").out
    assert "epochs" not in paretoprune("show", "study").out
    assert "\n3 runs;" in "\n" + paretoprune("sweep", "study").out
