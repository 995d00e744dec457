"""Fixtures of all tests, and the settings of the test run."""

import os
import shutil
import sys
from pathlib import Path

import hypothesis
import pytest

# Two workers share two cores: one thread here, and in the programs that tests start. torch reads
# this when it is imported, which the process that only hands out tests never does.
os.environ["OMP_NUM_THREADS"] = "1"
for name in ("COLUMNS", "LINES"):  # consoles measure the terminal when they are imported
    os.environ.pop(name, None)

hypothesis.settings.register_profile("noisy machines", deadline=None)
hypothesis.settings.load_profile("noisy machines")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    """No test sees or leaves files in the checkout, nor the data of whoever runs it."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def data_dir():
    """The folder with MNIST, named by PARETOPRUNE_DATA."""
    folder = os.environ.get("PARETOPRUNE_DATA")
    if not folder or not (Path(folder) / "MNIST").is_dir():
        pytest.skip("needs real MNIST: PARETOPRUNE_DATA names no folder that holds MNIST/raw")
    return Path(folder)


@pytest.fixture
def double():
    """float64 throughout."""
    import torch

    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def paretoprune(capsys):
    """Run the command line here; the result has `code`, `out` and `err`."""
    from paretoprune.__main__ import main

    class Result:
        def __init__(self, *arguments: object) -> None:
            with pytest.raises(SystemExit) as exit_:
                main([str(argument) for argument in arguments])
            self.code = exit_.value.code or 0
            self.out, self.err = capsys.readouterr()

    return Result


@pytest.fixture
def module(monkeypatch):
    """Write a module into the current folder; it is forgotten afterwards."""
    before = list(sys.path)
    written = []

    def write(name: str, text: str) -> None:
        path = Path(*name.split(".")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        written.append(name)
        forget(name)

    def forget(name: str) -> None:
        for known in [one for one in sys.modules if one.split(".")[0] == name.split(".")[0]]:
            del sys.modules[known]

    yield write
    sys.path[:] = before
    for name in written:
        forget(name)


@pytest.fixture(scope="session")
def trained_once(tmp_path_factory):
    """The folder of a study as `request(max_runs=...)` asks for it; each is trained once."""
    from paretoprune.runner.sweep import sweep
    from tests.support.sweeps import quiet, request

    place = tmp_path_factory.mktemp("trained_once")

    def folder_of(max_runs):
        folder = place / str(max_runs)
        if not folder.exists():
            sweep(request(folder, max_runs=max_runs), quiet)
        return folder

    return folder_of


@pytest.fixture
def swept(trained_once):
    """Leave in the current folder what `sweep(request(max_runs=...), quiet)` leaves there."""

    def copy(max_runs):
        shutil.copytree(trained_once(max_runs), "study")

    return copy


@pytest.fixture(scope="session")
def undisturbed(trained_once):
    """The folder of the study that `request()` asks for, swept without an interruption."""
    return trained_once(10)
