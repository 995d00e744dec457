"""Does a file that was written answer as the network does?"""

from pathlib import Path

import torch
from torch import Tensor, nn

from paretoprune.errors import UsageError
from paretoprune.export.formats import format_of
from paretoprune.export.inference import Inputs, batch_of, evaluated, tensors_in
from paretoprune.export.loaded import Opened
from paretoprune.export.tracing import attempting


def check_file(path: Path, network: nn.Module, inputs: Inputs) -> float:
    """Run a file on samples, on the CPU; return how far an output lies from the network's at most.

    It runs on all the samples at once, and on one of them where the network takes one. Raises
    `UsageError` without the file, `CouldNotError` for one that does not run.
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
    """The largest distance between numbers of a network's and of a file's answer.

    What is not a number in both is alike; in one of them, it is infinitely far.
    """
    pairs = zip(tensors_in(network(*inputs)), tensors_in(opened.answer(*inputs)), strict=True)
    return max((_distance(ours.double(), theirs.double()) for ours, theirs in pairs), default=0.0)


def _distance(ours: Tensor, theirs: Tensor) -> float:
    # of one sample squeeze() drops the first axis, and a graph keeps it
    ours, theirs = ours.flatten(), theirs.flatten()
    alike = (ours == theirs) | (ours.isnan() & theirs.isnan())
    apart = (ours - theirs).abs().nan_to_num(nan=torch.inf, posinf=torch.inf)
    return float(apart.masked_fill(alike, 0).max()) if len(apart) else 0.0


def _takes(network: nn.Module, inputs: Inputs) -> bool:
    """Whether a network runs on a batch at all."""
    try:
        network(*inputs)
    except Exception:  # its own code
        return False
    return True
