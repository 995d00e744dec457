"""Problem: model, data, loss and complexity that a study trains."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from paretoprune.problem.datasets import Data
from paretoprune.problem.device import seeded
from paretoprune.problem.losses import Loss
from paretoprune.problem.models.initialization import glorot
from paretoprune.problem.normalization import Scaling, on, scaled
from paretoprune.pruning.penalties import Penalty, total

ModelMaker = Callable[[], nn.Module]


@dataclass(frozen=True)
class Problem:
    """Model, data, loss and complexity, with the data on the device on which networks are trained.

    Attributes:
        model: Function that builds a network with new initial weights.
        data: Training, validation and test data.
        loss: The first objective, for each sample.
        complexity: The second objective.
        prunable: Names of the prunable weight tensors.
        convolutions: Names of the weight tensors of convolutions.
        seed: The study's seed. It orders the mini-batches, in the same way for every run.
        device: Device that holds the data and trains the networks.
        scalings: Scaling of each input, applied before a network sees it.
        is_glorot: Whether initial weights are drawn as Keras draws them.
        initial: Initial weights by name; if empty, the initial weights of `model` are used.
        costs: Factor of each prunable tensor in the complexity, by name; 1 for missing names.
    """

    model: ModelMaker
    data: Data
    loss: Loss
    complexity: Penalty
    prunable: tuple[str, ...]
    convolutions: tuple[str, ...]
    seed: int
    device: torch.device
    scalings: tuple[Scaling, ...]
    is_glorot: bool = False
    initial: Mapping[str, Tensor] = field(default_factory=dict)
    costs: Mapping[str, float] = field(default_factory=dict)

    def to(self, device: torch.device) -> "Problem":
        """Return the same problem on another device."""
        return replace(
            self,
            device=device,
            data=self.data.to(device),
            scalings=on(device, self.scalings),
        )

    def network(self, seed: int) -> nn.Module:
        """Build the network with the initial weights that `seed` stands for."""
        with seeded(seed):
            network = self.model()
            if self.is_glorot:
                glorot(network)
        fill(network, self.initial)
        return network

    def order(self, epoch: int) -> Tensor:
        """Return the permutation of the training samples in an epoch, [N].

        It is the same on every device.
        """
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
        return torch.randperm(len(self.data.train), generator=generator).to(self.device)

    def inputs(self, stored: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Scale stored inputs, [B, ...] each, as a network sees them."""
        return scaled(stored, self.scalings)

    def complexity_of(self, weights: Mapping[str, Tensor]) -> Tensor:
        """Return the complexity [K] of K networks, given their tensors [K, *shape] by name."""
        value = self.complexity.value
        return total(
            self.costs.get(name, 1.0) * value(weights[name].detach()) for name in self.prunable
        )

    def complexity_gradient(self, name: str, weights: Tensor) -> Tensor:
        """Return the gradient of the complexity for the prunable tensor `name`, [K, *shape]."""
        gradient, cost = self.complexity.gradient(weights), self.costs.get(name, 1.0)
        return gradient if cost == 1.0 else gradient.mul_(cost)


@torch.no_grad()
def fill(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Copy tensors into the parameters and buffers of the same names, in place."""
    targets = dict((*network.named_parameters(), *network.named_buffers()))
    for name, tensor in tensors.items():
        targets[name].copy_(tensor)


def misfits(network: nn.Module, tensors: Mapping[str, Tensor]) -> list[str]:
    """Return the reasons why tensors do not fit a network, by name and shape.

    The list is empty if they fit. Buffers may be missing.
    """
    parameters = dict(network.named_parameters())
    expected = {**parameters, **dict(network.named_buffers())}
    return [
        *(f"{name} is unknown" for name in tensors if name not in expected),
        *(f"{name} is missing" for name in parameters if name not in tensors),
        *(
            f"{name} is {list(tensors[name].shape)}, not {list(tensor.shape)}"
            for name, tensor in expected.items()
            if name in tensors and tensors[name].shape != tensor.shape
        ),
    ]


def count_prunable(problem: Problem) -> int:
    """Return the number of prunable weights of one network."""
    state = dict(problem.network(problem.seed).named_parameters())
    return sum(state[name].numel() for name in problem.prunable)
