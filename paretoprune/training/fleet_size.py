"""Fleet size of `--fleet auto`: the size of a round, halved until its estimated memory fits."""

from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import torch
from torch import Tensor

from paretoprune.problem.device import seeded
from paretoprune.problem.problem import Problem
from paretoprune.study.settings import Settings

SHARE_OF_MEMORY = 0.5  # of the device's, that a fleet may need
SAMPLES = 2  # that are passed through a network; batch normalization refuses one
# Copies of the parameters: values, gradients, two moments of an optimizer, and one for its work.
COPIES = 5
# The backward pass holds gradients of activations while the activations are still there.
WITH_GRADIENTS = 2

Saved = tuple[Tensor, int]  # a tensor that is kept, and the bytes of it


def usual_fleet_size(problem: Problem, settings: Settings) -> int:
    """Return the fleet size of a new study: a rule, so that nothing timed decides on its table.

    It is `settings.round_size`, halved until the estimate of the fleet's memory is at most half of
    the memory that the device has in all.
    """
    size, each = settings.round_size, memory_of_network(problem, settings.batch_size)
    most = SHARE_OF_MEMORY * total_memory(problem.device)
    while size > 1 and size * each > most:
        size //= 2
    return size


def memory_of_network(problem: Problem, batch_size: int) -> int:
    """Estimate the bytes that training takes for each network of a fleet.

    They are those of the parameters with gradients and moments, and of the activations that the
    backward pass of a batch of `batch_size` samples needs. The data are not counted.
    """
    with seeded(problem.seed):
        network = problem.model().to(problem.device).train()
        parameters = {one.untyped_storage().data_ptr(): one for one in network.parameters()}
        inputs = problem.inputs(problem.data.train[:SAMPLES].inputs)
        with _saved_tensors() as saved:
            outputs = network(*inputs)
    activations = {
        storage: size for storage, (_, size) in saved.items() if storage not in parameters
    }
    kept = sum(activations.values()) + outputs.nbytes
    weights = sum(one.nbytes for one in parameters.values())
    return int(COPIES * weights + WITH_GRADIENTS * kept * batch_size / len(inputs[0]))


@contextmanager
def _saved_tensors() -> Iterator[dict[int, Saved]]:
    """Collect the tensors that autograd keeps for a backward pass, by the address of their data.

    Of several views of the same data the largest counts.
    """
    saved: dict[int, Saved] = {}

    def keep(one: Tensor) -> Tensor:
        storage = one.untyped_storage().data_ptr()
        _, size = saved.get(storage, (one, 0))
        saved[storage] = one, max(size, one.nbytes)  # while it is held, no other takes its address
        return one

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda one: one):
        yield saved


def total_memory(device: torch.device) -> int:
    """Return the bytes of memory that a device has in all."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    return int(psutil.virtual_memory().total)
