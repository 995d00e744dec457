"""Files of tensors: what cannot be written, and what cannot be read."""

import numpy as np
import pytest

from paretoprune.errors import UsageError
from paretoprune.study.storage.tensors import read_tensors, write_tensors

pytestmark = pytest.mark.slow


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
