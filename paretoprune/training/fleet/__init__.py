"""K networks as one: stacked parameters and buffers, and the forward pass of all of them.

There are three ways to it, `PATHS`; `choice.py` finds out which one fits an architecture. A new
fused layer: one function in `layers.py`, and one line in the table in `fused.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from paretoprune.training.fleet import fused, vmap
from paretoprune.training.fleet import sequential as one_by_one
from paretoprune.training.fleet.fused_layers import Keys, Tensors

Inputs = Sequence[Tensor]  # [B, ...] each
# tensors by name [K, *shape], inputs, a key for each network -> outputs [K, B, ...]
Forward = Callable[[Tensors, Inputs, Keys], Tensor]

# The fastest first.
PATHS: dict[str, Callable[[nn.Module], Forward]] = {
    "fused": fused.forward_of,
    "vmap": vmap.forward_of,
    "one by one": one_by_one.forward_of,
}


@dataclass(frozen=True)
class Fleet:
    """K networks of one architecture, network k of which began with `seeds[k]`.

    `parameters` and `buffers` hold each parameter and buffer (such as running means) of the
    architecture as one tensor `[K, *shape]`, by the name that it has there; parameters are
    leaves. `run` is the forward pass of the path that was chosen.
    """

    run: Forward
    seeds: tuple[int, ...]
    parameters: dict[str, Tensor]
    buffers: dict[str, Tensor]

    @property
    def tensors(self) -> dict[str, Tensor]:
        """All parameters and buffers."""
        return {**self.parameters, **self.buffers}

    def forward(self, inputs: Inputs, step: int | None = None) -> Tensor:
        """Inputs [B, ...] each -> the outputs of all networks, [K, B, ...].

        `step` counts training steps and keys the masks of dropout; `None` is evaluation mode.
        """
        keys = None if step is None else [(seed, step) for seed in self.seeds]
        return self.run(self.tensors, inputs, keys)


def stack(networks: Sequence[nn.Module], seeds: Sequence[int], path: str = "fused") -> Fleet:
    """Stack networks of one architecture; their parameters and buffers are copied.

    Raises `Unfit` where the architecture cannot be trained by way of `path`, one of `PATHS`.
    """
    parameters = [dict(network.named_parameters()) for network in networks]
    buffers = [dict(network.named_buffers()) for network in networks]
    return Fleet(
        run=PATHS[path](networks[0]),
        seeds=tuple(seeds),
        parameters={
            name: torch.stack([own[name].detach() for own in parameters]).requires_grad_(
                one.requires_grad  # a frozen one stays so
            )
            for name, one in parameters[0].items()
        },
        buffers={name: torch.stack([own[name] for own in buffers]) for name in buffers[0]},
    )
