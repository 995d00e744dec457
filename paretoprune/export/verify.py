"""Verification: compares the outputs of a written file with those of the network."""

from pathlib import Path

import torch
from torch import Tensor, nn

from paretoprune.errors import UsageError
from paretoprune.export.formats import format_of
from paretoprune.export.inference import Inputs, batch_of, evaluated, tensors_in
from paretoprune.export.loaded import Opened
from paretoprune.export.tracing import attempting


def check_file(path: Path, network: nn.Module, inputs: Inputs) -> float:
    """Run a file on the CPU, and return the largest difference from the outputs of the network.

    The file runs on all samples at once, and also on one sample if file and network take that.

    Args:
        path: The file.
        network: The network that was written.
        inputs: Samples as the network is called with them, [B, ...] each.

    Raises:
        UsageError: If the file does not exist, or if its suffix is unknown.
        CouldNotError: If the file does not run.
    """
    chosen = format_of(path)
    if not path.is_file():
        raise UsageError(f"there is no file {path}: write it first")
    copy = evaluated(network).cpu()
    inputs = tuple(each.cpu() for each in inputs)
    with attempting(f"run {path}", "write it again, or in another format"), torch.no_grad():
        opened = chosen.read(path, copy)
        worst = difference(copy, opened, inputs)
        if opened.varies and _takes(copy, batch_of(inputs, 1)):
            worst = max(worst, difference(copy, opened, batch_of(inputs, 1)))
    return worst


def difference(network: nn.Module, opened: Opened, inputs: Inputs) -> float:
    """Return the largest difference between a network's outputs and a file's.

    Outputs that are NaN in both do not differ. An output that is NaN in one of them differs
    infinitely.
    """
    pairs = zip(tensors_in(network(*inputs)), tensors_in(opened.answer(*inputs)), strict=True)
    return max((_distance(want.double(), got.double()) for want, got in pairs), default=0.0)


def _distance(expected: Tensor, actual: Tensor) -> float:
    # for one sample squeeze() drops the first axis, and a graph keeps it
    expected, actual = expected.flatten(), actual.flatten()
    equal = (expected == actual) | (expected.isnan() & actual.isnan())
    distances = (expected - actual).abs().nan_to_num(nan=torch.inf, posinf=torch.inf)
    return float(distances.masked_fill(equal, 0).max()) if len(distances) else 0.0


def _takes(network: nn.Module, inputs: Inputs) -> bool:
    """Return whether a network runs on a batch at all."""
    try:
        network(*inputs)
    except Exception:  # from the network's code
        return False
    return True
