"""Files that are not the network they should be are found out."""

import numpy as np
import pytest
import torch
from torch import nn

from paretoprune.errors import CouldNotError, UsageError
from paretoprune.export import FORMATS, check_file, write_network
from paretoprune.study.storage.tensors import read_tensors, write_tensors
from tests.support.exports import CLOSE, made

pytestmark = pytest.mark.slow


SLOW_ONNX = pytest.param(".onnx", marks=pytest.mark.slow)


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
