"""Fixtures of all tests, and the settings of the test run."""

import os
import sys
from pathlib import Path

import hypothesis
import pytest
import torch

from paretoprune.__main__ import main
from paretoprune.runner.sweep import sweep
from tests.support.sweeps import quiet, request

# Two workers share two cores: one thread here, and in the programs that tests start.
torch.set_num_threads(1)
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
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def paretoprune(capsys):
    """Run the command line here; the result has `code`, `out` and `err`."""

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
def undisturbed(tmp_path_factory):
    """The folder of the study that `request()` asks for, swept without an interruption."""
    folder = tmp_path_factory.mktemp("undisturbed") / "study"
    sweep(request(folder), quiet)
    return folder
