"""Networks that cannot be written, each refused in a sentence."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from paretoprune.errors import CouldNotError, UsageError
from paretoprune.export import FORMATS, check_file, write_network
from paretoprune.export import onnx as onnx_files
from tests.support.checkout import ROOT
from tests.support.exports import Branching, made

pytestmark = pytest.mark.slow


SLOW_ONNX = pytest.param(".onnx", marks=pytest.mark.slow)


@pytest.mark.parametrize("ending", [".pt2", SLOW_ONNX])
def test_what_is_no_graph_is_refused_in_a_sentence(tmp_path, capfd, ending):
    path = tmp_path / f"n{ending}"
    with pytest.raises(CouldNotError, match=r"cannot trace .*data-dependent.*write .safetensors"):
        write_network(Branching(), (torch.randn(4, 3),), path)
    said = capfd.readouterr()
    assert said.out == said.err == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.slow  # loggers write to where errors went when torch was loaded
def test_in_a_process_of_its_own_nothing_is_said():
    code = """
import onnx, onnxruntime, onnxscript, warnings
from pathlib import Path
from paretoprune.errors import CouldNotError
from paretoprune.export import check_file, write_network
from tests.support.exports import Branching, made
warnings.simplefilter("error")
for name in ("mlp.onnx", "mlp.pt2", "two inputs.onnx"):
    network, inputs = made(Path(name).stem)
    write_network(network, inputs, Path(name))
    check_file(Path(name), network, inputs)
try:
    write_network(Branching(), made("one linear")[1], Path("b.onnx"))
except CouldNotError:
    pass
else:
    raise AssertionError
"""
    ended = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == ended.stderr == ""


def test_another_ending_is_refused(tmp_path):
    network, inputs = made("one linear")
    for name in ("network.pt", "network"):
        with pytest.raises(UsageError, match=r"name a file in \.safetensors, \.pt2, \.onnx"):
            write_network(network, inputs, tmp_path / name)


@pytest.mark.parametrize("ending", FORMATS)
def test_a_missing_folder_is_refused(tmp_path, ending):
    network, inputs = made("one linear")
    with pytest.raises(UsageError, match=r"there is no folder .*none: make it"):
        write_network(network, inputs, tmp_path / "none" / f"n{ending}")


@pytest.mark.parametrize("package", onnx_files.PACKAGES)
def test_onnx_without_a_package_says_how_to_install_it(tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    network, inputs = made("one linear")
    with pytest.raises(CouldNotError, match=rf"{package}: pip install 'paretoprune\[onnx\]'"):
        write_network(network, inputs, tmp_path / "n.onnx")
    write_network(network, inputs, tmp_path / "n.pt2")


def test_what_no_single_onnx_file_can_hold_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_files, "MOST_BYTES", 32)  # two gigabytes, where the memory lasts
    network, inputs = made("one linear")
    with pytest.raises(CouldNotError, match=r"cannot hold weights of 32 bytes.*write \.pt2"):
        write_network(network, inputs, tmp_path / "n.onnx")


def test_numbers_that_numpy_lacks_are_refused_by_name(tmp_path):
    network = nn.Linear(3, 3).bfloat16()
    inputs = (torch.randn(4, 3).bfloat16(),)
    with pytest.raises(UsageError, match=r"'weight' \(torch\.bfloat16\).*network\.float\(\)"):
        write_network(network, inputs, tmp_path / "n.safetensors")
    write_network(network, inputs, tmp_path / "n.pt2")
    assert check_file(tmp_path / "n.pt2", network, inputs) == 0
