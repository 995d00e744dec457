"""What a study trains: model, data, loss and complexity."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from paretoprune.problem.datasets import Data, Part
from paretoprune.problem.losses import Loss
from paretoprune.problem.models.initialization import glorot
from paretoprune.problem.normalization import Scaling, on, scaled
from paretoprune.pruning.penalties import Complexity, total
from paretoprune.study.metric import ACCURACY
from paretoprune.training.fleet import Fleet, stack

# Images: with 8 networks, larger batches fall out of the cache (2.4 times slower at 500).
EVALUATION_BATCH = 100

ModelMaker = Callable[[], nn.Module]


@dataclass(frozen=True)
class Problem:
    """Model, data, loss and complexity, with the data on the device where training happens.

    `seed` is the study's: it orders the mini-batches, the same for every run. `prunable` names
    the prunable weight tensors, `convolutions` those of convolutions. `constant` is the best
    constant prediction, the outputs of one sample, `constant_loss` its validation loss. A network
    sees the inputs as `scalings` have them. Its weights begin as it makes them, with `is_glorot` as
    Keras's, or as `initial` has them, by name. Fleets are trained by way of `path`, one of `PATHS`;
    `refused` says why not by those before it. `costs` says by name how much a weight counts in the
    complexity, 1 unless named; `quality` is what 1 - error is called.
    """

    model: ModelMaker
    data: Data
    loss: Loss
    complexity: Complexity
    prunable: tuple[str, ...]
    convolutions: tuple[str, ...]
    constant: Tensor
    constant_loss: float
    seed: int
    device: torch.device
    scalings: tuple[Scaling, ...]
    is_glorot: bool = False
    initial: Mapping[str, Tensor] = field(default_factory=dict)
    path: str = "fused"
    refused: Mapping[str, str] = field(default_factory=dict)
    costs: Mapping[str, float] = field(default_factory=dict)
    quality: str = ACCURACY

    def to(self, device: torch.device) -> "Problem":
        """The same problem on another device."""
        return replace(
            self,
            device=device,
            data=self.data.to(device),
            constant=self.constant.to(device),
            scalings=on(device, self.scalings),
        )

    def network(self, seed: int) -> nn.Module:
        """Build the network with the initial weights that `seed` stands for."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = self.model()
            if self.is_glorot:
                glorot(network)
        fill(network, self.initial)
        return network

    def fleet(self, seeds: list[int]) -> Fleet:
        """Stack one network per seed on the device."""
        networks = [self.network(seed).to(self.device) for seed in seeds]
        return stack(networks, seeds, self.path)

    def order(self, epoch: int) -> Tensor:
        """The permutation of the training samples in an epoch, [N]; the same on every device."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
        return torch.randperm(len(self.data.train), generator=generator).to(self.device)

    def inputs(self, stored: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Inputs as the data hold them, [B, ...] each -> as a network sees them."""
        return scaled(stored, self.scalings)

    def prunable_weights(self, fleet: Fleet) -> list[Tensor]:
        """The fleet's prunable tensors, [K, *shape] each."""
        return [fleet.parameters[name] for name in self.prunable]

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


@dataclass(frozen=True)
class Evaluation:
    """Mean loss, its standard error, and error as a fraction, of each network: [K].

    The error is the share of samples that are classified wrongly; of numbers, the share of the
    constant prediction's loss that is left, at most 1 (of squares: 1 - R²).
    """

    loss: Tensor
    loss_se: Tensor
    error: Tensor


@torch.no_grad()
def evaluate(fleet: Fleet, problem: Problem, part: Part) -> Evaluation:
    """Evaluate every network on a part of the data, in evaluation mode."""
    losses, wrong = [], []
    is_share = problem.quality == ACCURACY
    constant = problem.constant.to(torch.get_default_dtype())
    for batch in part.split(EVALUATION_BATCH):
        outputs = fleet.forward(problem.inputs(batch.inputs))  # [K, B, ...]
        losses.append(problem.loss.value(outputs, batch.targets))
        if is_share:
            wrong.append(outputs.argmax(2) != batch.targets)
        else:
            expanded = constant.expand(1, len(batch), *constant.shape)
            wrong.append(problem.loss.value(expanded, batch.targets))
    loss = torch.cat(losses, dim=1).double()  # [K, N]
    spread = loss.var(1, correction=0).sqrt() / math.sqrt(len(part))
    error = torch.cat(wrong, dim=1).double().mean(1)
    if not is_share:
        error = (loss.mean(1) / error).clamp(0, 1).nan_to_num(1.0)
    return Evaluation(loss.mean(1), spread, error)


def reference_lam(problem: Problem) -> float:
    """Initial loss over initial complexity, to 6 significant digits: the natural unit of lam."""
    fleet = problem.fleet([problem.seed])
    loss = evaluate(fleet, problem, problem.data.train).loss.item()
    return float(f"{loss / problem.complexity_of(fleet.parameters).item():.6g}")


def count_prunable(problem: Problem) -> int:
    """Number of prunable weights of one network."""
    state = dict(problem.network(problem.seed).named_parameters())
    return sum(state[name].numel() for name in problem.prunable)
