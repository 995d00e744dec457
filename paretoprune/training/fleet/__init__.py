"""Fleets: K networks trained as one, with stacked parameters and buffers.

`BACKENDS` holds the backends, which compute the forward pass of all networks. `select.py` chooses
the backend for an architecture. A new fused layer is one function in `fused_layers.py`, and one
line in the table in `fused.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from paretoprune.training.fleet import fused, vmap
from paretoprune.training.fleet import sequential as sequential
from paretoprune.training.fleet.fused_layers import Keys, Tensors

Inputs = Sequence[Tensor]  # [B, ...] each
# tensors by name [K, *shape], inputs, a key per network -> outputs [K, B, ...]
Forward = Callable[[Tensors, Inputs, Keys], Tensor]

# The backends, the fastest first.
BACKENDS: dict[str, Callable[[nn.Module], Forward]] = {
    "fused": fused.forward_of,
    "vmap": vmap.forward_of,
    "sequential": sequential.forward_of,
}


@dataclass(frozen=True)
class Fleet:
    """K networks of one architecture.

    Attributes:
        run: Forward pass of the chosen backend.
        seeds: The seeds [K] with which the networks began; they also key random numbers.
        parameters: Each parameter of the architecture as one leaf tensor `[K, *shape]`, by name.
        buffers: Each buffer, such as a running mean, as one tensor `[K, *shape]`, by name.
    """

    run: Forward
    seeds: tuple[int, ...]
    parameters: dict[str, Tensor]
    buffers: dict[str, Tensor]

    @property
    def tensors(self) -> dict[str, Tensor]:
        """All parameters and buffers, by name."""
        return {**self.parameters, **self.buffers}

    def forward(self, inputs: Inputs, step: int | None = None) -> Tensor:
        """Compute the outputs of all networks, [K, B, ...].

        Args:
            inputs: Inputs that every network sees, [B, ...] each.
            step: Number of the training step, which keys the dropout masks; `None` is evaluation
                mode.
        """
        keys = None if step is None else [(seed, step) for seed in self.seeds]
        return self.run(self.tensors, inputs, keys)


def stack(networks: Sequence[nn.Module], seeds: Sequence[int], backend: str = "fused") -> Fleet:
    """Stack networks of one architecture; their parameters and buffers are copied.

    Args:
        networks: The K networks.
        seeds: The seed of each network.
        backend: The backend, one of `BACKENDS`.

    Raises:
        Unsupported: If the backend cannot train the architecture.
    """
    parameters = [dict(network.named_parameters()) for network in networks]
    buffers = [dict(network.named_buffers()) for network in networks]
    return Fleet(
        run=BACKENDS[backend](networks[0]),
        seeds=tuple(seeds),
        parameters={
            name: torch.stack([each[name].detach() for each in parameters]).requires_grad_(
                first.requires_grad  # a frozen parameter stays frozen
            )
            for name, first in parameters[0].items()
        },
        buffers={name: torch.stack([each[name] for each in buffers]) for name in buffers[0]},
    )


__all__ = ["Fleet", "select", "stack"]
