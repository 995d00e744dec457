"""Sequential backend, which takes every module: one network's forward pass after the other."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call

from paretoprune.training.fleet.fused_layers import Keys, Tensors, seed_of


def forward_of(architecture: nn.Module) -> Callable[[Tensors, Sequence[Tensor], Keys], Tensor]:
    """Return a forward pass that calls the networks in turn; their keys seed the random numbers."""

    def forward(tensors: Tensors, inputs: Sequence[Tensor], keys: Keys) -> Tensor:
        architecture.train(keys is not None)
        # unbound at once, so that the gradients are stacked once; buffers are views of the stack
        slices = {name: tensor.unbind(0) for name, tensor in tensors.items()}
        outputs, device = [], inputs[0].device
        devices = [device] if device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices, enabled=keys is not None):
            for index in range(len(next(iter(slices.values())))):
                if keys is not None:
                    torch.manual_seed(seed_of(keys[index]))
                network = {name: parts[index] for name, parts in slices.items()}
                copies = tuple(x.clone() for x in inputs)
                outputs.append(functional_call(architecture, network, copies))
        return torch.stack(outputs)

    return forward
