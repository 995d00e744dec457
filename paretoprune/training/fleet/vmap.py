"""vmap backend: `torch.func` maps any differentiable module over the networks."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call

from paretoprune.training.fleet.fused_layers import Keys, Tensors, Unsupported


def forward_of(architecture: nn.Module) -> Callable[[Tensors, Sequence[Tensor], Keys], Tensor]:
    """Return a forward pass that is vectorised over the networks.

    Raises:
        Unsupported: If the architecture has dropout, whose masks could not be keyed.
    """
    drawing = {
        type(module).__name__
        for module in architecture.modules()
        if isinstance(module, nn.modules.dropout._DropoutNd)
    }
    if drawing:
        raise Unsupported(f"{', '.join(sorted(drawing))} would draw other masks in another fleet")

    def forward(tensors: Tensors, inputs: Sequence[Tensor], keys: Keys) -> Tensor:
        architecture.train(keys is not None)

        def forward_one(network: dict[str, Tensor]) -> Tensor:
            outputs: Tensor = functional_call(architecture, network, tuple(inputs))
            return outputs

        # random numbers would not be keyed by network, so they raise; `choose_backend` notices it
        return torch.vmap(forward_one, randomness="error")(dict(tensors))

    return forward
