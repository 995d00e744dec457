"""Files that cannot be written: the old study is whole, a sentence says why, the same goes on."""

import errno
import os
import shutil
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from paretoprune.errors import CouldNotError
from paretoprune.study import storage
from paretoprune.study.storage.checkpoints import read_checkpoint, write_checkpoint
from tests.support.faults import fail, failing_flush, failing_rename, posix, small_files
from tests.support.rows import PLAN, row

OLD, NEW = row(0.0), row(0.25)
ID = NEW["run_id"]
TENSORS = {"1.weight": np.arange(4, dtype=np.float32)}
COURSE = {name: [1.0, 2.0] for name in storage.HISTORY.names}


def record(study, weights=False, history=False, log=False):
    """Record the new row, with some of its files."""
    storage.record(
        study,
        [NEW],
        weights={ID: TENSORS} if weights else {},
        histories={ID: COURSE} if history else {},
        logs={ID: "Traceback ..."} if log else {},
    )


# What is written, by the file's name: the first that each of these writes.
WRITES = {
    "study.toml": partial(storage.write_plan, plan=PLAN),
    f"{ID}.safetensors": partial(record, weights=True),
    f"{ID}.parquet": partial(record, history=True),
    f"{ID}.log": partial(record, log=True),
    "points.parquet": record,
    "checkpoint": partial(write_checkpoint, run_ids=[ID], tensors=TENSORS, facts={}),
}
EVERY_FILE = pytest.mark.parametrize("name", WRITES)
ERRORS = {
    errno.ENOSPC: "No space left on device.*make room",
    errno.EDQUOT: "quota.*make room",
    errno.EROFS: "Read-only file system.*make it writable",
    errno.EIO: "Input/output error.*name another folder",
}
EVERY_ERROR = pytest.mark.parametrize("number", ERRORS, ids=errno.errorcode.get)


@pytest.fixture
def study(tmp_path):
    """A study with a row and all that belongs to it."""
    folder = tmp_path / "study"
    folder.mkdir()
    storage.write_plan(folder, PLAN)
    old = OLD["run_id"]
    storage.record(folder, [OLD], {old: TENSORS}, {old: COURSE}, {old: "Traceback ..."})
    return folder


def assert_old_study(study):
    """All that was recorded is there, and nothing that was begun."""
    assert storage.read_plan(study) == PLAN
    points = storage.read(study)
    assert points["run_id"].tolist() == [OLD["run_id"]]
    assert load_file(study / points["weights"][0])["1.weight"].tolist() == [0, 1, 2, 3]
    assert storage.read_history(study, OLD["run_id"])["val_loss"].tolist() == [1, 2]
    assert (study / points["log"][0]).read_text() == "Traceback ..."
    assert not list(study.rglob("*.partial"))


def assert_goes_on(study, name):
    """The same again works, and is whole."""
    WRITES[name](study)
    assert storage.read_plan(study) == PLAN
    if name == "checkpoint":
        assert read_checkpoint(study, [ID])[0]["1.weight"].tolist() == [0, 1, 2, 3]
    elif name != "study.toml":
        points = storage.read(study)
        assert points["run_id"].tolist() == [OLD["run_id"], ID]
        for place in points[["weights", "log"]].to_numpy().ravel():
            assert place is None or place != place or (study / place).is_file()


@EVERY_FILE
@EVERY_ERROR
@pytest.mark.parametrize("step", ["flush", "rename"])
def test_what_cannot_be_flushed_or_renamed_is_not_there(study, name, step, number):
    breaks = failing_rename(number)
    if step == "flush":
        breaks = failing_flush(number, lambda path: path.suffix == ".partial")
    with breaks, pytest.raises(CouldNotError, match=f"cannot write .*{ERRORS[number]}") as error:
        WRITES[name](study)
    assert "\n" not in str(error.value)
    assert_old_study(study)
    assert_goes_on(study, name)


@posix
@EVERY_FILE
@pytest.mark.parametrize("size", [0, 16])
def test_what_cannot_be_written_to_its_end_is_not_there(study, name, size):
    expected = pytest.raises(CouldNotError, match=r"cannot write .*\(File too large\): raise")
    with small_files(size), expected:
        WRITES[name](study)
    assert_old_study(study)
    assert_goes_on(study, name)


@posix
@EVERY_FILE
def test_a_name_that_does_not_reach_the_disk_is_said(study, name):
    """The file is there already: a table is whole, old or new."""
    with (
        failing_flush(errno.EIO, Path.is_dir),
        pytest.raises(CouldNotError, match="Input/output error"),
    ):
        WRITES[name](study)
    assert storage.read(study)["run_id"].tolist()[:1] == [OLD["run_id"]]
    assert_goes_on(study, name)


@posix
@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP], ids=errno.errorcode.get)
def test_a_file_system_that_cannot_flush_names_is_good_enough(study, number):
    with failing_flush(number, Path.is_dir):
        assert_goes_on(study, "points.parquet")


@EVERY_FILE
def test_a_folder_that_vanishes_is_not_made_anew(study, name):
    away = study.rename(study.with_name("away"))
    with pytest.raises(CouldNotError, match="put it back, and the same command goes on"):
        WRITES[name](study)
    assert not study.exists()
    away.rename(study)
    assert_old_study(study)
    assert_goes_on(study, name)


@pytest.fixture
def unprivileged():
    """A folder of somebody who is not root, while this process is nobody else."""
    if os.name != "posix":
        pytest.skip("rights of POSIX")
    with tempfile.TemporaryDirectory() as name:
        is_root = os.geteuid() == 0
        if is_root:
            os.chown(name, 65534, 65534)
            os.seteuid(65534)
        yield Path(name)
        if is_root:
            os.seteuid(0)


def allow(study, mode):
    for folder in (study, *(path for path in study.rglob("*") if path.is_dir())):
        folder.chmod(mode)


@EVERY_FILE
def test_a_read_only_folder_is_said(study, unprivileged, name):
    """What a killed process left there cannot be deleted either."""
    place = unprivileged / "study"
    os.seteuid(os.getuid())  # the other folder is ours
    shutil.copytree(study, place)
    for path in (place, *place.rglob("*")):
        os.chown(path, unprivileged.stat().st_uid, -1)
    os.seteuid(unprivileged.stat().st_uid)
    (place / "study.toml.partial").write_text("begun")
    allow(place, 0o555)
    with pytest.raises(CouldNotError, match=r"Permission denied.*make it writable"):
        WRITES[name](place)
    with pytest.raises(CouldNotError, match="Permission denied"), storage.locked(place):
        pass
    allow(place, 0o755)
    with storage.locked(place):
        assert_old_study(place)
        assert_goes_on(place, name)


@posix
def test_weights_that_cannot_be_deleted_are_said(study):
    real = Path.unlink

    def unlink(path, missing_ok=False):
        return fail(errno.EROFS) if path.suffix == ".safetensors" else real(path, missing_ok)

    said = pytest.raises(CouldNotError, match=r"cannot delete .*safetensors.*make it writable")
    with pytest.MonkeyPatch.context() as patch, said:
        patch.setattr("pathlib.Path.unlink", unlink)
        storage.forget_weights(study, storage.read(study), [OLD["run_id"]])
    points = storage.forget_weights(study, storage.read(study), [])
    assert points["weights"].isna().all()
    assert not list((study / "weights").iterdir())


def test_what_a_killed_process_left_goes_with_the_next(study):
    kinds = ("weights", "history", "logs", "checkpoints")
    left = [study / kind / "0.partial" for kind in kinds]
    left += [study / "study.toml.partial", study / "points.parquet.partial"]
    mine = study / "mine.partial"
    for path in (*left, mine):
        path.parent.mkdir(exist_ok=True)
        path.write_text("begun")
    with storage.locked(study):
        assert [path for path in left if path.exists()] == []
    mine.unlink()
    assert_old_study(study)


def test_others_may_read_weights_as_they_may_read_the_table(study):
    modes = {path.stat().st_mode for path in study.rglob("*") if path.is_file()}
    assert len(modes) == 1
