"""K networks as one: stacked parameters and buffers, and the forward pass of all of them.

A new fused layer: one function in `layers.py`, and one line in `LAYERS`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from paretoprune.errors import UsageError
from paretoprune.fleet import layers

LAYERS: dict[type[nn.Module], Callable[..., Tensor]] = {
    nn.Linear: layers.linear,
    nn.Conv2d: layers.conv2d,
    nn.AvgPool2d: layers.pool2d,
    nn.MaxPool2d: layers.pool2d,
    nn.BatchNorm2d: layers.batch_norm2d,
    nn.Dropout: layers.dropout,
    nn.Flatten: layers.flatten,
    nn.ReLU: layers.elementwise,
    nn.ELU: layers.elementwise,
}


@dataclass(frozen=True)
class Fleet:
    """K networks of one architecture, network k of which began with `seeds[k]`.

    `parameters` and `buffers` hold each parameter and buffer (such as running means) of the
    architecture as one tensor `[K, *shape]`, by the name that it has in `architecture`;
    parameters are leaves.
    """

    architecture: nn.Sequential
    seeds: tuple[int, ...]
    parameters: dict[str, Tensor]
    buffers: dict[str, Tensor]

    def forward(self, images: Tensor, step: int | None = None) -> Tensor:
        """[B, C, H, W] -> the logits of all networks, [K, B, classes].

        `step` counts training steps and keys the masks of dropout; `None` is evaluation mode.
        """
        x = images.unsqueeze(0)
        everything = {**self.parameters, **self.buffers}
        for place, (name, layer) in enumerate(self.architecture.named_children()):
            tensors = {
                local: everything[f"{name}.{local}"]
                for local, _ in (*layer.named_parameters(), *layer.named_buffers())
            }
            keys = None if step is None else [(seed, step, place) for seed in self.seeds]
            x = LAYERS[type(layer)](layer, tensors, x, keys)
        return x


def stack(networks: Sequence[nn.Sequential], seeds: Sequence[int]) -> Fleet:
    """Stack networks of one architecture; their parameters and buffers are copied.

    Raises `UsageError` where a layer has no stacked counterpart.
    """
    missing = {type(layer).__name__ for layer in networks[0] if type(layer) not in LAYERS}
    if missing:
        raise UsageError(
            f"the model has layers that a fleet cannot train: {', '.join(sorted(missing))}"
        )
    states = [network.state_dict() for network in networks]
    stacked = {name: torch.stack([state[name] for state in states]) for name in states[0]}
    buffers = {name for name, _ in networks[0].named_buffers()}
    return Fleet(
        architecture=networks[0],
        seeds=tuple(seeds),
        parameters={k: v.requires_grad_() for k, v in stacked.items() if k not in buffers},
        buffers={name: value for name, value in stacked.items() if name in buffers},
    )
