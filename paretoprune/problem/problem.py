"""The problem that a study trains: model, data, loss and complexity."""

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
    """Model, data, loss and complexity, with the data on the device where training happens.

    Attributes:
        model: Builds a network with new initial weights.
        data: Training, validation and test data.
        loss: The first objective, of each sample.
        complexity: The second objective.
        prunable: Names of the prunable weight tensors.
        convolutions: Names of the weight tensors of convolutions.
        seed: The study's seed. It orders the mini-batches, in the same way for every run.
        device: Where the data are and the networks are trained.
        scalings: How each input is scaled before a network sees it.
        is_glorot: Whether initial weights are drawn as Keras draws them.
        initial: Initial weights by name; the model's own where it is empty.
        costs: How much a weight counts in the complexity, by the name of its tensor; 1 unless
            named.
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
        """The permutation of the training samples in an epoch, [N]; the same on every device."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
        return torch.randperm(len(self.data.train), generator=generator).to(self.device)

    def inputs(self, stored: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Inputs as the data hold them, [B, ...] each -> as a network sees them."""
        return scaled(stored, self.scalings)

    def complexity_of(self, weights: Mapping[str, Tensor]) -> Tensor:
        """The second objective, [K], of tensors by name, [K, *shape] each."""
        value = self.complexity.value
        return total(
            self.costs.get(name, 1.0) * value(weights[name].detach()) for name in self.prunable
        )

    def complexity_gradient(self, name: str, weights: Tensor) -> Tensor:
        """Its gradient at one prunable tensor, [K, *shape]."""
        gradient, cost = self.complexity.gradient(weights), self.costs.get(name, 1.0)
        return gradient if cost == 1.0 else gradient.mul_(cost)


@torch.no_grad()
def fill(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Copy tensors into the parameters and buffers of their names."""
    own = dict((*network.named_parameters(), *network.named_buffers()))
    for name, tensor in tensors.items():
        own[name].copy_(tensor)


def misfits(network: nn.Module, tensors: Mapping[str, Tensor]) -> list[str]:
    """Why tensors are not all of a network's own, by name and shape; buffers may be left out."""
    parameters = dict(network.named_parameters())
    own = {**parameters, **dict(network.named_buffers())}
    return [
        *(f"{name} is unknown" for name in tensors if name not in own),
        *(f"{name} is missing" for name in parameters if name not in tensors),
        *(
            f"{name} is {list(tensors[name].shape)}, not {list(one.shape)}"
            for name, one in own.items()
            if name in tensors and tensors[name].shape != one.shape
        ),
    ]


def count_prunable(problem: Problem) -> int:
    """Number of prunable weights of one network."""
    state = dict(problem.network(problem.seed).named_parameters())
    return sum(state[name].numel() for name in problem.prunable)
