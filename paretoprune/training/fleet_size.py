"""Fleet size of `--fleet auto`: the size of a round, halved until its estimated memory fits."""

from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import torch
from torch import Tensor

from paretoprune.problem.device import seeded
from paretoprune.problem.problem import Problem
from paretoprune.study.settings import Settings

SHARE_OF_MEMORY = 0.5  # largest share of the device's memory that a fleet may need
SAMPLES = 2  # samples of the measured forward pass; batch normalization refuses a single one
# Copies of the parameters: values, gradients, two moments of an optimizer, and temporary values.
COPIES = 5
# The backward pass holds gradients of activations while the activations are still in memory.
WITH_GRADIENTS = 2

Saved = tuple[Tensor, int]  # a tensor that autograd keeps, and its size in bytes


def usual_fleet_size(problem: Problem, settings: Settings) -> int:
    """Return the fleet size of a new study.

    It is `settings.round_size`, halved until the estimated memory of the fleet is at most half of
    the total memory of the device. No timing enters, so the table of a study does not depend on the
    speed of a machine.
    """
    size, each = settings.round_size, memory_of_network(problem, settings.batch_size)
    most = SHARE_OF_MEMORY * total_memory(problem.device)
    while size > 1 and size * each > most:
        size //= 2
    return size


def memory_of_network(problem: Problem, batch_size: int) -> int:
    """Estimate the memory in bytes that training takes for each network of a fleet.

    It consists of the parameters with their gradients and moments, and of the activations that the
    backward pass of a batch of `batch_size` samples needs. The data are not counted.
    """
    with seeded(problem.seed):
        network = problem.model().to(problem.device).train()
        parameters = {
            parameter.untyped_storage().data_ptr(): parameter for parameter in network.parameters()
        }
        inputs = problem.inputs(problem.data.train[:SAMPLES].inputs)
        with _saved_tensors() as saved:
            outputs = network(*inputs)
    activations = {
        storage: size for storage, (_, size) in saved.items() if storage not in parameters
    }
    kept = sum(activations.values()) + outputs.nbytes
    weights = sum(parameter.nbytes for parameter in parameters.values())
    return int(COPIES * weights + WITH_GRADIENTS * kept * batch_size / len(inputs[0]))


@contextmanager
def _saved_tensors() -> Iterator[dict[int, Saved]]:
    """Collect the tensors that autograd keeps for a backward pass, by the address of their data.

    If several views of the same data are kept, the largest one counts.
    """
    saved: dict[int, Saved] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage().data_ptr()
        _, size = saved.get(storage, (tensor, 0))
        # a tensor that is held keeps its address, so no later one is taken for it
        saved[storage] = tensor, max(size, tensor.nbytes)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        yield saved


def total_memory(device: torch.device) -> int:
    """Return the total memory of a device in bytes."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    return int(psutil.virtual_memory().total)
