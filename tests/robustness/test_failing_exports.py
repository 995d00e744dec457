"""An export that fails leaves the file that was there."""

import errno
from functools import partial

import pytest

from paretoprune.errors import CouldNotError
from paretoprune.export import write_network
from tests.support.exports import made
from tests.support.faults import failing_flush, failing_rename

pytestmark = pytest.mark.slow


SLOW_ONNX = pytest.param(".onnx", marks=pytest.mark.slow)

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
