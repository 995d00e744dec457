"""Fleet size of `--fleet auto`: the size of a round, halved until its estimated memory fits."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import torch
from torch import Tensor, nn

from paretoprune.problem.device import seeded
from paretoprune.problem.problem import Problem
from paretoprune.study.settings import Settings

SHARE_OF_MEMORY = 0.5  # of the device's memory, for a fleet
SAMPLES = (2, 4)  # passed through a network; batch normalization rejects a single one
# Tensors as large as the parameters: values, gradients, an optimizer's two moments, and one for
# its work. The recipe `paper` has two optimizers, whose steps and gradients are separate.
COPIES, COPIES_OF_PAPER = 5, 9
# The backward pass holds gradients of activations together with the activations.
WITH_GRADIENTS = 2
# Memory limits of a container, by cgroup version 2 and 1.
LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def usual_fleet_size(problem: Problem, settings: Settings) -> int:
    """Return the fleet size of a new study: a rule, so that nothing timed decides on its table.

    It is `settings.round_size`, halved until the estimated memory of the fleet is at most half of
    the memory that the device has in all.
    """
    size, each = settings.round_size, memory_of_network(problem, settings)
    most = SHARE_OF_MEMORY * total_memory(problem.device)
    while size > 1 and size * each > most:
        size //= 2
    return size


def memory_of_network(problem: Problem, settings: Settings) -> int:
    """Estimate the bytes that training takes for each network of a fleet, without the data.

    They are those of the parameters with gradients and moments, and of the activations that the
    backward pass of a mini-batch needs; without the latter if `activation_bytes` is `None`.
    """
    network = problem.network(problem.seed)
    weights = sum(parameter.nbytes for parameter in network.parameters())
    copies = COPIES_OF_PAPER if settings.recipe == "paper" else COPIES
    return copies * weights + WITH_GRADIENTS * (activation_bytes(problem, settings) or 0)


def activation_bytes(problem: Problem, settings: Settings) -> int | None:
    """Estimate the bytes that autograd keeps for the backward pass of a mini-batch of one network.

    Two small batches tell which part grows with the batch. The result is `None` for a network that
    does not let autograd be observed, such as one that calls `torch.func.grad`.
    """
    train = problem.data.train
    few, more = (min(count, len(train)) for count in SAMPLES)
    with seeded(problem.seed):
        network = problem.network(problem.seed).to(problem.device).train()
        try:
            small, large = (_kept_bytes(network, problem, count) for count in (few, more))
        except RuntimeError:  # raised by hooks on saved tensors where autograd rejects them
            return None
    each = (large - small) / max(more - few, 1)
    return round(max(small + each * (min(settings.batch_size, len(train)) - few), 0))


def _kept_bytes(network: nn.Module, problem: Problem, samples: int) -> int:
    """Return the bytes that autograd keeps after a forward pass, parameters and buffers aside."""
    inputs = problem.inputs(problem.data.train[:samples].inputs)
    with _saved_tensors() as saved:
        outputs = network(*inputs)
    constant = {tensor.untyped_storage().data_ptr() for tensor in network.state_dict().values()}
    kept = sum(size for storage, (_, size) in saved.items() if storage not in constant)
    return int(kept + outputs.nbytes)


@contextmanager
def _saved_tensors() -> Iterator[dict[int, tuple[Tensor, int]]]:
    """Collect the tensors that autograd saves, with their bytes, by the address of their data.

    If several views of the same data are saved, the largest one counts.
    """
    saved: dict[int, tuple[Tensor, int]] = {}

    def keep(tensor: Tensor) -> Tensor:
        values = tensor if tensor.layout == torch.strided else tensor._values()
        storage = values.untyped_storage().data_ptr()
        _, size = saved.get(storage, (tensor, 0))
        # while the tensor is held, no other one takes its address
        saved[storage] = tensor, max(size, values.nbytes)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        yield saved


def total_memory(device: torch.device) -> int:
    """Return the bytes of memory that a device has in all; in a container, those of its limit."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    limits = (Path(path).read_text().strip() for path in LIMITS if Path(path).is_file())
    return min([int(psutil.virtual_memory().total), *(int(x) for x in limits if x.isdecimal())])
