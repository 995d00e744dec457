"""Sweeps on disks that fail: no finished fleet is lost, and the same command goes on."""

import contextlib
import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from paretoprune.errors import CouldNotError
from paretoprune.runner.events import Progress, Recorded
from paretoprune.runner.sweep import sweep
from paretoprune.study import storage
from paretoprune.study.storage import atomic as files
from tests.support.executors import Failing
from tests.support.faults import fail, posix, small_files
from tests.support.sweeps import assert_same_table, quiet, request, table

pytestmark = pytest.mark.slow


class Once:
    """Lets the n-th write of a kind of file fail, and counts them."""

    def __init__(self, ending, count):
        self.ending, self.left, self.real = ending, count, files.flush

    def __call__(self, path, flags):
        self.left -= path.name.endswith(f"{self.ending}.partial")
        return fail(errno.ENOSPC) if self.left == 0 else self.real(path, flags)


@contextlib.contextmanager
def full_disk(ending, count):
    """A disk that is full when a sweep writes its n-th file of a kind; the sweep says so."""
    once = Once(ending, count)
    said = pytest.raises(CouldNotError, match=rf"{ending} \(No space left on device\): make room")
    with pytest.MonkeyPatch.context() as patch, said:
        patch.setattr(files, "flush", once)
        yield
    assert once.left == 0


@pytest.mark.parametrize(
    ("ending", "count"),
    [
        *[(".safetensors", 6), ("points.parquet", 4)],
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in [
                ("study.toml", 1),
                (".safetensors", 1),
                (".parquet", 5),
                ("points.parquet", 1),
            ]
        ),
    ],
)
def test_a_full_disk_loses_no_finished_fleet(undisturbed, ending, count):
    events = []
    with full_disk(ending, count):
        sweep(request(), events.append)
    fleets = sum(isinstance(event, Recorded) for event in events)
    assert len(table() if storage.is_study(Path("study")) else []) == 2 * fleets
    sweep(request(), quiet)
    assert_same_table(table(), table(undisturbed))
    assert not list(Path("study").rglob("*.partial"))


def test_a_full_disk_loses_no_log_of_a_failed_fleet():
    with full_disk(".log", 2):
        sweep(request(max_runs=4), quiet, Failing(1))
    assert table()["status"].tolist() == ["done", "done"]
    sweep(request(max_runs=4), quiet, Failing(0))
    assert table()["status"].tolist() == ["done", "done", "failed", "failed"]
    assert all((Path("study") / log).is_file() for log in table()["log"].dropna())


class Away:
    """Moves the study away in the midst of its second fleet."""

    def __init__(self):
        self.fleets = 0

    def __call__(self, event):
        self.fleets += isinstance(event, Recorded)
        if isinstance(event, Progress) and self.fleets == 1 and Path("study").exists():
            Path("study").rename("away")


def test_a_study_that_is_moved_away_is_said_and_goes_on_when_it_is_back(undisturbed):
    with pytest.raises(CouldNotError, match="its folder is gone: put it back"):
        sweep(request(), Away())
    assert not Path("study").exists()
    Path("away").rename("study")
    assert len(table()) == 2
    sweep(request(), quiet)
    assert_same_table(table(), table(undisturbed))


SWEEP = [
    *("sweep", "study", "--epochs=1", "--batch-size=256", "--max-runs=4", "--fleet=2"),
    *("--round=4", "--smgd=0"),
]


@posix
@pytest.mark.parametrize("size", [100, 100_000])
def test_a_limit_of_files_sizes_ends_in_a_sentence(paretoprune, size):
    """Not even the plan can be written, or not the weights (200 kB)."""
    with small_files(size):
        result = paretoprune(*SWEEP)
    assert result.code == 1
    assert "Traceback" not in result.err
    last = result.err.splitlines()[-1]
    assert last.startswith("paretoprune: cannot write study/")
    assert last.endswith("(ulimit -f); what was recorded is kept, and the same command goes on")
    assert paretoprune(*SWEEP).code == 0
    assert len(table()) == 4


FULL = """
set -e
mkdir disk
mount -t tmpfs -o size=1m none disk
cd disk
head -c 600000 /dev/zero > filler
sweep() { "$0" -m paretoprune "$@" 2>&1 >/dev/null; }
sweep "$@" && code=0 || code=$?
echo "exit code $code"
"$0" -m paretoprune show study --all --csv | wc -l
rm filler
sweep "$@" && code=0 || code=$?
echo "exit code $code"
"$0" -m paretoprune show study --all --csv | wc -l
find . -name '*.partial'
"""


@pytest.mark.slow
def test_a_disk_that_is_really_full():
    """A tmpfs of 1 MB, of which two networks fit into what is left."""
    space = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    try:
        subprocess.run([*space, "mount", "-t", "tmpfs", "none", "/mnt"], check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs a file system of its own: unshare and mount are not allowed here")
    command = [*space, "sh", "-c", FULL, sys.executable, *SWEEP]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    first, second = (number for number, line in enumerate(lines) if "exit code" in line)
    assert lines[first - 1].startswith("paretoprune: cannot write study/")
    assert "(No space left on device): make room; what was recorded is kept" in lines[first - 1]
    assert (lines[first], lines[first + 1]) == ("exit code 1", "3")
    assert lines[second:] == ["exit code 0", "5"]
