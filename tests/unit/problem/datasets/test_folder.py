"""Your own images: which files, and what is said about them."""

import errno
import os
import random
from pathlib import Path

import pytest
import torch
from PIL import Image

from paretoprune.errors import CouldNotError, UsageError
from paretoprune.problem.datasets import images as images_module
from tests.support.image_folders import assert_same_data, everything, fill, load, save

RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "mine"


# Which files


def test_train_and_test_folders_are_the_parts(root):
    fill(root / "train")
    fill(root / "test", each=3)
    data = load(root)
    assert (len(data.train), len(data.validation), len(data.test)) == (16, 4, 6)
    assert data.test.targets.tolist() == [0, 0, 0, 1, 1, 1]
    assert data.test.inputs[0][:, 0, 0, 0].tolist() == [10, 11, 12, 13, 14, 15]
    assert data.notes == (
        "20 training and 6 test images of 2 classes (cat, dog), 8 x 8 pixels, colour; "
        "the test images are those in test/",
    )


@pytest.mark.parametrize("name", ["val", "validation"])
def test_the_test_folder_may_be_called(root, name):
    fill(root / "train")
    fill(root / name, each=3)
    assert len(load(root).test) == 6
    assert f"those in {name}/" in load(root).notes[0]


def test_folders_beside_train_and_test_are_named(root):
    for name in ("train", "test", "val", "extra"):
        fill(root / name)
    data = load(root)
    assert len(data.test) == 20
    assert data.notes[1] == "not used, beside train/ and test/: extra/, val/"


@pytest.mark.parametrize("above", ["train", "."])
def test_without_test_images_a_fifth_is_set_aside(root, above):
    fill(root / above)
    data, other = load(root), load(root, seed=1)
    assert (len(data.train), len(data.validation), len(data.test)) == (12, 4, 4)
    assert data.test.targets.tolist() == [0, 0, 1, 1]
    assert torch.equal(data.test.inputs[0], other.test.inputs[0])
    assert "a fifth was set aside" in data.notes[0]
    assert len(everything(data).flatten(1).unique(dim=0)) == 20


def test_a_folder_train_that_holds_images_is_a_class(root):
    fill(root, ["plane", "train"])
    assert "2 classes (plane, train)" in load(root).notes[0]


def test_sub_folders_of_a_class_belong_to_it(root):
    fill(root / "train")
    save(root / "test" / "cat" / "big" / "tabby" / "a.png")
    save(root / "test" / "dog" / "b.png")
    assert load(root).test.targets.tolist() == [0, 1]


def test_suffixes_count_in_any_case_and_other_files_are_ignored(root):
    fill(root / "train")
    for suffix in ("png", "jpg", "jpeg", "bmp", "gif", "webp", "tif", "tiff", "ppm", "PNG", "Jpg"):
        save(root / "test" / "cat" / f"{suffix}.{suffix}")
    save(root / "test" / "cat" / "grey.pgm", 7, mode="L")
    (root / "test" / "cat" / "list.txt").write_text("a list")
    (root / "readme.md").write_text("beside")
    (root / "train" / "labels.csv").write_text("beside")
    data = load(root)
    assert len(data.test) == 12
    assert "ignored 3 files not named as an image" in data.notes


def test_hidden_files_and_what_a_mac_packs_are_not_there(root):
    fill(root)
    fill(root, [".git", "__MACOSX"])
    for name in (".DS_Store", "cat/.DS_Store", "cat/._00.png"):
        (root / name).write_bytes(b"hidden")
    save(root / "cat" / ".thumbnails" / "00.png")
    data = load(root)
    assert len(data.notes) == 1
    assert "16 training and 4 test images of 2 classes (cat, dog)" in data.notes[0]


def test_images_beside_the_class_folders_are_counted(root):
    fill(root)
    save(root / "loose.png")
    data = load(root)
    assert len(everything(data)) == 20
    assert "ignored 1 image outside of the classes' folders" in data.notes


def test_links_are_followed_but_not_in_circles(root, tmp_path):
    fill(root, each=10)
    save(tmp_path / "elsewhere" / "far.png")
    (root / "cat" / "linked").symlink_to(tmp_path / "elsewhere")
    (root / "cat" / "back").symlink_to(root / "cat")
    (root / "cat" / "up").symlink_to(root)
    (root / "dog" / "itself").symlink_to(root / "dog" / "itself")
    (root / "loop").symlink_to(root)
    assert len(everything(load(root))) == 21


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
def test_a_pipe_is_not_waited_for(root):
    fill(root)
    os.mkfifo(root / "cat" / "pipe.png")
    assert "ignored 1 file not named as an image" in load(root).notes


def assert_order_is_irrelevant(root, monkeypatch):
    real, expected = os.scandir, load(root)

    class Shuffled:
        def __init__(self, path):
            self.entries = list(real(path))
            random.Random(3).shuffle(self.entries)

        def __enter__(self):
            return iter(self.entries)

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(os, "scandir", Shuffled)
    assert_same_data(load(root), expected)


def test_the_order_of_the_file_system_is_irrelevant(root, monkeypatch):
    fill(root, ["cat", "dog", "emu"])
    fill(root / "cat", ["young", "old"])
    assert_order_is_irrelevant(root, monkeypatch)


def test_the_number_of_threads_is_irrelevant(root, monkeypatch):
    fill(root, each=100)
    (root / "dog" / "007.png").write_bytes(b"broken")
    monkeypatch.setattr(images_module, "CHUNK", 3)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    expected = load(root)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    assert_same_data(load(root), expected)


# What is said


def test_broken_files_are_skipped_and_named(root, monkeypatch):
    fill(root, each=12)
    whole = (root / "cat" / "00.png").read_bytes()
    (root / "cat" / "00.png").write_bytes(whole[:-30])
    (root / "cat" / "01.png").write_text("not an image")
    (root / "cat" / "02.png").write_bytes(b"")
    (root / "dog" / "broken.jpg").symlink_to(root / "nowhere.jpg")
    save(root / "dog" / "bomb.png", size=(200, 200))
    save(root / "dog" / "program.png", format="PCX")
    save(root / "dog" / "large.png", size=(120, 100))  # Pillow warns, and reads it
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)
    data = load(root)
    assert len(everything(data)) == 22
    assert (everything(data)[:, 0] > 0).all()  # no gaps
    assert data.notes[2] == (
        "skipped 6 files that could not be read: cat/00.png, cat/01.png, cat/02.png, "
        "dog/bomb.png, dog/broken.jpg and 1 more"
    )


def test_a_broken_image_decides_nothing(root):
    """Its header says colour, and 4 pixels: all others are grey, and larger."""
    fill(root, mode="L")
    path = save(root / "cat" / "a.png", BLUE, (4, 4))
    path.write_bytes(path.read_bytes()[:-30])
    data = load(root)
    assert data.shape == (1, 8, 8)
    assert data.notes[1] == "skipped 1 file that could not be read: cat/a.png"


def test_a_lack_of_memory_is_no_broken_file(root, monkeypatch):
    fill(root)

    def fit(image, size):
        raise MemoryError

    monkeypatch.setattr(images_module.ImageOps, "fit", fit)
    with pytest.raises(CouldNotError, match="memory is too small to read"):
        load(root)


def test_names_may_have_any_characters(root):
    fill(root, ["a b", "ü[red]\n"])
    os.close(os.open(os.fsencode(root / "a b") + b"/\xff.png", os.O_CREAT))
    notes = load(root).notes
    assert "2 classes (a b, ü[red]\\n)" in notes[0]
    assert notes[1] == "skipped 1 file that could not be read: a b/\\udcff.png"


def make(root, *, empty=(), files=(), full=(), broken=()):
    for name in empty:
        (root / name).mkdir(parents=True)
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("no image")
    for name in broken:
        save(root / name / "x.png").write_text("broken")
    for name in full:
        fill(root / Path(name).parent, [Path(name).name])


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ({}, "the folder does not exist; name a folder that holds a sub-folder"),
        ({"files": ["a.png"]}, "holds no sub-folders: put the images of each class"),
        ({"empty": ["cat", "dog"]}, r"hold no images: add some \(png jpg"),
        ({"broken": ["cat", "dog"]}, r"no image could be read \(cat/x.png, dog/x.png\)"),
        ({"full": ["cat"]}, "only these have any: cat; give each class a sub-folder of its own"),
        ({"full": ["cat"], "broken": ["dog"]}, "only these have any: cat"),
        ({"full": ["cat", "dog"], "empty": ["emu"]}, r"without readable training .* \(emu\)"),
        ({"full": ["cat", "dog"], "broken": ["emu"]}, r"without readable training .* \(emu\)"),
        ({"full": ["train/a", "train/b", "test/c"]}, r"test/ has classes that .* \(c\): add"),
        ({"full": ["train/a", "train/b"], "broken": ["val/a"]}, "val/ holds no readable images"),
        ({"full": ["test/a"], "empty": ["train/a"]}, "only these have any: none"),
    ],
)
def test_too_few_images_are_refused(root, what, said):
    make(root, **what)
    with pytest.raises(UsageError, match=f"--dataset folder:{root}.* ?{said}"):
        load(root)


def test_a_file_is_no_folder(root):
    fill(root)
    with pytest.raises(UsageError, match=r"00\.png: this is a file; name a folder"):
        load(root / "cat" / "00.png")


def test_too_few_images_for_testing_are_refused(root):
    fill(root, each=1)
    with pytest.raises(UsageError, match="2 images of 2 classes are too few to set a fifth aside"):
        load(root)


def test_classes_without_test_images_are_named(root):
    fill(root / "train")
    fill(root / "test", ["dog"])
    assert load(root).notes[1] == "no test images of cat"


def test_the_home_folder_may_be_a_tilde(root, monkeypatch):
    fill(root)
    monkeypatch.setenv("HOME", str(root.parent))
    assert_same_data(load("~/mine"), load(root))
    with pytest.raises(UsageError, match="--dataset folder:~/other: the folder does not exist"):
        load("~/other")


def test_a_folder_without_permission_is_named(root, monkeypatch):
    fill(root)
    real = os.scandir

    def scandir(path):
        if str(path).endswith("cat"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(CouldNotError, match=r"mine/cat cannot be read \(Permission denied\)"):
        load(root)
