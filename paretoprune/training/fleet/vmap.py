"""vmap backend: `torch.func` maps any differentiable module over the networks."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call

from paretoprune.training.fleet.fused_layers import Keys, Tensors, Unsupported


def forward_of(architecture: nn.Module) -> Callable[[Tensors, Sequence[Tensor], Keys], Tensor]:
    """Return a forward pass that is vectorised over the networks.

    Raises:
        Unfit: If the architecture has dropout, whose masks could not be keyed.
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

        def one(own: dict[str, Tensor]) -> Tensor:
            outputs: Tensor = functional_call(architecture, own, tuple(inputs))
            return outputs

        # random numbers would not be keyed by network: they raise, which `choose_backend` notices
        return torch.vmap(one, randomness="error")(dict(tensors))

    return forward
