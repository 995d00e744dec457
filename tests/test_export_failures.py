"""What cannot be written, and files that are not what they should be: each said in a sentence."""

import errno
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from paretoprune.errors import CouldNotError, UsageError
from paretoprune.export import FORMATS, check_file, write_network
from paretoprune.export import onnx as onnx_files
from paretoprune.study.storage.tensors import read_tensors, write_tensors
from tests.exporting import CLOSE, Branching, made
from tests.test_faults import failing_flush, failing_rename

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
from tests.exporting import Branching, made
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
    root = Path(__file__).parents[1]
    ended = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(root)!r})\n{code}"],
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


@pytest.mark.parametrize("value", ["text", {"a": 1}, np.array(["a"]), np.array([None]), None])
def test_what_is_no_tensor_is_refused(tmp_path, value):
    with pytest.raises(UsageError, match="cannot write 'it'"):
        write_tensors(tmp_path / "n.safetensors", {"it": value}, {})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"no tensors at all", b"\xff" * 100])
def test_a_file_without_tensors_is_refused(tmp_path, content):
    path = tmp_path / "n.safetensors"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"n\.safetensors cannot be read as safetensors"):
        read_tensors(path)


def test_a_missing_file_of_tensors_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"there is no file .*n\.safetensors"):
        read_tensors(tmp_path / "n.safetensors")
    with pytest.raises(UsageError, match="cannot be read"):
        read_tensors(tmp_path)


def bfloat16_file(path):
    header = b'{"w":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}'
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))


def test_a_file_with_numbers_that_numpy_lacks_is_refused(tmp_path):
    bfloat16_file(tmp_path / "n.safetensors")
    with pytest.raises(UsageError, match="cannot be read"):
        read_tensors(tmp_path / "n.safetensors")


FAULTS = [
    partial(failing_flush, errno.ENOSPC, lambda path: path.suffix == ".partial"),
    partial(failing_rename, errno.EACCES),
]


@pytest.mark.parametrize("fault", FAULTS, ids=["full disk", "no right to rename"])
@pytest.mark.parametrize("ending", [".safetensors", ".pt2", SLOW_ONNX])
def test_a_disk_that_fails_leaves_what_was_there(tmp_path, ending, fault):
    network, inputs = made("one linear")
    path = tmp_path / f"n{ending}"
    path.write_bytes(b"before")
    with fault(), pytest.raises(CouldNotError, match="cannot write"):
        write_network(network, inputs, path)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"before"


@pytest.mark.parametrize("ending", FORMATS)
def test_the_check_finds_a_file_of_another_network(tmp_path, ending):
    network, inputs = made("one linear")
    other = nn.Linear(3, 2)
    write_network(other, inputs, tmp_path / f"n{ending}")
    found = check_file(tmp_path / f"n{ending}", network, inputs)
    expected = (network(*inputs) - other(*inputs)).abs().max().item()
    assert found == pytest.approx(expected, abs=CLOSE)
    assert found > 0.01


def test_the_check_finds_a_tensor_that_lacks(tmp_path):
    network, inputs = made("residual")
    path = tmp_path / "n.safetensors"
    write_network(network, inputs, path)
    left = {name: each for name, each in read_tensors(path).items() if name != "head.bias"}
    write_tensors(path, left, {})
    found = check_file(path, network, inputs)
    assert found == pytest.approx(abs(network.head.bias.item()), abs=CLOSE)


def test_the_check_finds_numbers_that_are_none(tmp_path):
    network, inputs = made("one linear")
    path = tmp_path / "n.safetensors"
    write_tensors(path, {"weight": np.full((2, 3), np.nan), "bias": np.zeros(2)}, {})
    assert check_file(path, network, inputs) == np.inf
    nn.init.constant_(network.weight, torch.nan)
    assert check_file(path, network, inputs) == 0


@pytest.mark.parametrize("ending", [".pt2", SLOW_ONNX])
def test_the_check_refuses_what_does_not_run(tmp_path, ending):
    network, inputs = made("one linear")
    path = tmp_path / f"n{ending}"
    with pytest.raises(UsageError, match="there is no file"):
        check_file(path, network, inputs)
    path.write_bytes(b"no network")
    with pytest.raises(CouldNotError, match="cannot run"):
        check_file(path, network, inputs)


def test_weights_of_another_shape_do_not_pass_the_check(tmp_path):
    network, inputs = made("one linear")
    write_network(nn.Linear(3, 7), inputs, tmp_path / "n.safetensors")
    with pytest.raises(CouldNotError, match=r"cannot run .*Linear"):
        check_file(tmp_path / "n.safetensors", network, inputs)
