"""Networks in files: whoever opens one gets the network's own answers, and nothing else."""

import gzip
import json
import struct
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors.torch import load_model
from torch import nn

from paretoprune.export import FORMATS, check_file, file_sizes, write_network
from paretoprune.study.storage.tensors import read_tensors, write_tensors
from tests.support.exports import (
    CASES,
    CLOSE,
    SAMPLES,
    Fixed,
    Sized,
    answers,
    first,
    flat,
    images,
    made,
)

SLOW = [("vgg", ".pt2"), *((name, ".onnx") for name in CASES if name != "mlp")]


def cases():
    return [
        pytest.param(name, ending, marks=[pytest.mark.slow] if (name, ending) in SLOW else [])
        for name in CASES
        for ending in FORMATS
    ]


def opened(path, name):
    """A file as somebody else opens it, with the libraries of its format."""
    if path.suffix == ".safetensors":
        network = CASES[name][0]()
        load_model(network, path)
        return lambda inputs: answers(network, inputs)
    if path.suffix == ".pt2":
        program = torch.export.load(path).module()
        return lambda inputs: [each.detach().numpy() for each in flat(program(*inputs))]
    session = onnxruntime.InferenceSession(path)
    names = [each.name for each in session.get_inputs()]
    return lambda inputs: session.run(
        None, {name: x.numpy() for name, x in zip(names, inputs, strict=True)}
    )


@pytest.mark.parametrize(("name", "ending"), cases())
def test_a_file_answers_as_its_network(tmp_path, capfd, name, ending):
    network, inputs = made(name)
    path = tmp_path / f"network{ending}"
    write_network(network, first(inputs, 4), path)
    said = capfd.readouterr()
    assert said.out == said.err == ""
    assert network.training
    assert list(tmp_path.iterdir()) == [path]
    ask = opened(path, name)
    for samples in (1, SAMPLES):  # as many as it was not written with
        batch = first(inputs, samples)
        for ours, theirs in zip(answers(network, batch), ask(batch), strict=True):
            np.testing.assert_allclose(theirs.reshape(ours.shape), ours, atol=CLOSE)
    assert check_file(path, network, inputs) < CLOSE


@pytest.mark.parametrize("ending", FORMATS)
def test_a_file_tells_nothing_of_the_samples_and_the_machine(tmp_path, ending):
    network, _ = made("two inputs")
    inputs = torch.full((2, 6), 0.123456), torch.ones(2, 3)
    write_network(network, inputs, tmp_path / f"network{ending}")
    content = (tmp_path / f"network{ending}").read_bytes()
    assert str(Path(__file__).parent).encode() not in content
    assert struct.pack("<f", 0.123456) * 2 not in content
    assert b"name_scopes" not in content  # what torch calls the layers, for debuggers
    assert struct.pack("<f", network.head.bias[0].item()) in content


@pytest.mark.parametrize("ending", [".pt2", pytest.param(".onnx", marks=pytest.mark.slow)])
def test_a_single_sample_is_enough_for_batches_of_any_size(tmp_path, ending):
    network, inputs = made("one linear")
    path = tmp_path / f"network{ending}"
    assert write_network(network, first(inputs, 1), path) == ()
    assert check_file(path, network, inputs) < CLOSE


class Shifting(nn.Module):
    def forward(self, x, shift):
        return x + shift


@pytest.mark.parametrize("ending", [".pt2", pytest.param(".onnx", marks=pytest.mark.slow)])
def test_an_input_without_samples_keeps_its_length(tmp_path, ending):
    inputs = torch.randn(SAMPLES, 2), torch.ones(2)
    path = tmp_path / f"network{ending}"
    assert write_network(Shifting(), inputs, path) == ()
    assert check_file(path, Shifting(), inputs) == 0


@pytest.mark.parametrize(("network", "samples"), [(Fixed(1), 1), (Fixed(4), 4), (Sized(), 4)])
@pytest.mark.parametrize("ending", [".pt2", pytest.param(".onnx", marks=pytest.mark.slow)])
def test_a_network_for_one_size_of_batch_is_written_with_a_note(tmp_path, ending, network, samples):
    inputs, path = (torch.randn(samples, 3),), tmp_path / f"n{ending}"
    (note,) = write_network(network, inputs, path)
    assert f"batches of exactly {samples}:" in note
    assert check_file(path, network, inputs) < CLOSE


def test_weights_alone_are_checked_also_where_one_sample_is_none(tmp_path):
    network, inputs, path = Fixed(4), (torch.randn(4, 3),), tmp_path / "n.safetensors"
    assert write_network(network, inputs, path) == ()
    assert check_file(path, network, inputs) == 0


def test_tied_weights_are_written_once(tmp_path):
    network, inputs = made("tied")
    (note,) = write_network(network, inputs, tmp_path / "n.safetensors")
    assert "head.weight once, as embedding.weight" in note
    assert list(read_tensors(tmp_path / "n.safetensors")) == ["embedding.weight"]
    write_network(network, inputs, tmp_path / "n.pt2")
    assert file_sizes(tmp_path / "n.pt2")[0] < 2 * 4 * 200 * 16


def test_weights_that_nothing_computes_are_no_obstacle(tmp_path):
    network = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))  # counts its batches: no axis
    network(torch.randn(4, 3))
    write_network(network, (torch.randn(4, 3),), tmp_path / "n.safetensors")
    found = read_tensors(tmp_path / "n.safetensors")
    assert found["1.num_batches_tracked"].shape == ()
    assert found["1.num_batches_tracked"] == 1


def test_arrays_and_facts_come_back(tmp_path):
    path = tmp_path / "n.safetensors"
    arrays = {"a": np.arange(6, dtype=np.float16).reshape(2, 3).T, "b": np.array(True)}
    write_tensors(path, arrays, {"model": "mlp"})
    found = read_tensors(path)
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)
    content = path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert header["__metadata__"] == {"model": "mlp"}


def test_zeros_are_bytes_that_gzip_saves(tmp_path):
    path = tmp_path / "n.safetensors"
    layer = nn.Linear(300, 300)
    with torch.no_grad():
        layer.weight.masked_fill_(torch.rand(300, 300) > 0.01, 0)  # a product may be -0
    write_network(layer, images(300), path)
    raw, packed = file_sizes(path)
    assert raw == path.stat().st_size > 4 * 300 * 300
    assert packed == len(gzip.compress(path.read_bytes(), 9))
    assert packed < raw / 20
