"""What a study trains: model, data and complexity, checked before anything is trained."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from paretoprune.complexity import (
    COMPLEXITIES,
    PRUNABLE,
    Complexity,
    prunable_names,
    total,
    weight_names,
)
from paretoprune.datasets import DATASETS, Data, Part, Source
from paretoprune.device import find_device
from paretoprune.errors import UsageError
from paretoprune.fleet import Fleet, stack
from paretoprune.fleet.choice import choose_path
from paretoprune.models import MODELS, ModelBuilder
from paretoprune.models.glorot import glorot
from paretoprune.recipes import FOLDER, name_and_path
from paretoprune.settings import Settings, choose
from paretoprune.updates import SCHEDULES, UPDATES

# Images: with 8 networks, larger batches fall out of the cache (2.4 times slower at 500).
EVALUATION_BATCH = 100
CHECKED_IMAGES = 8  # of the step that a fleet's way must pass


@dataclass(frozen=True)
class Problem:
    """Model, data and complexity, with the data on the device where training happens.

    `seed` is the study's: it orders the mini-batches, the same for every run. `prunable` names
    the prunable weight tensors, `convolutions` those of convolutions, `constant_loss` is the
    validation loss (nats) of the best constant prediction. A network sees `(byte - shift) / scale`,
    both [C, 1, 1]; its weights begin as torch's own, or with `is_glorot` as Keras's. Fleets are
    trained by way of `path`, one of `PATHS`; `refused` says why not by those before it.
    """

    model: ModelBuilder
    data: Data
    complexity: Complexity
    prunable: tuple[str, ...]
    convolutions: tuple[str, ...]
    constant_loss: float
    seed: int
    device: torch.device
    shift: Tensor
    scale: Tensor
    is_glorot: bool = False
    path: str = "fused"
    refused: Mapping[str, str] = field(default_factory=dict)

    def network(self, seed: int) -> nn.Sequential:
        """Build the network with the initial weights that `seed` stands for."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = self.model(self.data.shape, self.data.classes)
            if self.is_glorot:
                glorot(network)
            return network

    def fleet(self, seeds: list[int]) -> Fleet:
        """Stack one network per seed on the device."""
        networks = [self.network(seed).to(self.device) for seed in seeds]
        return stack(networks, seeds, self.path)

    def order(self, epoch: int) -> Tensor:
        """The permutation of the training images in an epoch, [N]; the same on every device."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
        return torch.randperm(len(self.data.train), generator=generator).to(self.device)

    def inputs(self, images: Tensor) -> Tensor:
        """Images as bytes [B, C, H, W] -> what a network sees, floats."""
        return images.to(torch.get_default_dtype()).sub_(self.shift).div_(self.scale)

    def prunable_weights(self, fleet: Fleet) -> list[Tensor]:
        """The fleet's prunable tensors, [K, *shape] each."""
        return [fleet.parameters[name] for name in self.prunable]


@dataclass(frozen=True)
class Evaluation:
    """Mean loss in nats, its standard error, and error as a fraction, of each network: [K]."""

    loss: Tensor
    loss_se: Tensor
    error: Tensor


@torch.no_grad()
def evaluate(fleet: Fleet, problem: Problem, part: Part) -> Evaluation:
    """Evaluate every network on a part of the data, in evaluation mode."""
    losses, wrong = [], []
    for images, labels in zip(
        part.images.split(EVALUATION_BATCH), part.labels.split(EVALUATION_BATCH), strict=True
    ):
        logits = fleet.forward(problem.inputs(images))  # [K, B, classes]
        losses.append(cross_entropy(logits, labels))
        wrong.append(logits.argmax(2) != labels)
    loss = torch.cat(losses, dim=1).double()  # [K, N]
    spread = loss.var(1, correction=0).sqrt() / math.sqrt(len(part))
    return Evaluation(loss.mean(1), spread, torch.cat(wrong, dim=1).double().mean(1))


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Loss in nats of each network on each sample: [K, B, classes], [B] -> [K, B]."""
    networks, batch, classes = logits.shape
    flat = functional.cross_entropy(
        logits.reshape(-1, classes), labels.repeat(networks), reduction="none"
    )
    return flat.view(networks, batch)


def reference_lam(problem: Problem) -> float:
    """Initial loss over initial complexity, to 6 significant digits: the natural unit of lam."""
    fleet = problem.fleet([problem.seed])
    loss = evaluate(fleet, problem, problem.data.train).loss.item()
    weights = problem.prunable_weights(fleet)
    complexity = total(problem.complexity.value(tensor.detach()) for tensor in weights).item()
    return float(f"{loss / complexity:.6g}")


def count_prunable(problem: Problem) -> int:
    """Number of prunable weights of one network."""
    state = problem.network(problem.seed).state_dict()
    return sum(state[name].numel() for name in problem.prunable)


def build_problem(settings: Settings, data_dir: Path, device: str) -> Problem:
    """Build what `settings` name, on `device` (`auto`, `cpu` or `cuda`).

    Raises `UsageError` for unknown names, combinations that do not fit and a device that is not
    there, `CouldNotError` where data are missing.
    """
    for name, table in (("optimizer", UPDATES), ("schedule", SCHEDULES)):
        choose(getattr(settings, name), table, f"--{name}")
    if settings.optimizer == "adam" and settings.momentum:
        raise UsageError("--momentum is for --optimizer sgd and rmsprop: adam has its own")
    model = MODELS[choose(settings.model, MODELS, "--model")]
    complexity = COMPLEXITIES[choose(settings.complexity, COMPLEXITIES, "--complexity")]
    kind = choose(settings.prunable, PRUNABLE, "--prunable")
    place = find_device(device)
    data = load_data(settings, data_dir)
    try:
        example = model(data.shape, data.classes)
    except ValueError as error:
        raise UsageError(f"--dataset {settings.dataset}: {error}") from error
    convolutions = weight_names(example, PRUNABLE["conv"])
    if settings.l2_conv and not convolutions:
        raise UsageError(f"--l2-conv has no meaning for --model {settings.model}: leave it out")
    shift, scale = standard(data) if settings.inputs == "standard" else unit(data)
    return with_path(
        Problem(
            model=model,
            data=data.to(place),
            complexity=complexity,
            prunable=prunable_names(example, kind),
            convolutions=convolutions,
            constant_loss=constant_loss(data),
            seed=settings.seed,
            device=place,
            shift=shift.to(place),
            scale=scale.to(place),
            is_glorot=settings.recipe == "paper",
        )
    )


def with_path(problem: Problem) -> Problem:
    """Find the fastest way to train fleets of this problem that is right."""
    networks = [problem.network(seed).to(problem.device) for seed in (0, 1)]
    images = problem.inputs(problem.data.train.images[:CHECKED_IMAGES])
    path, refused = choose_path(networks, images)
    return replace(problem, path=path, refused=refused)


def load_data(settings: Settings, data_dir: Path) -> Data:
    """Load the data that `settings` name; `folder:PATH` is the one with a path."""
    name, path = name_and_path(settings.dataset)
    load = DATASETS[choose(name, DATASETS, "--dataset")]
    fits = bool(path) if name == FOLDER else settings.dataset == name
    if not fits:
        example = f"{FOLDER}:PATH, the path of your images" if name == FOLDER else name
        raise UsageError(f"--dataset {settings.dataset} is unknown: write it as {example}")
    if settings.image_size and name != FOLDER:
        raise UsageError(f"--image-size is for --dataset {FOLDER}:PATH: leave it out for {name}")
    return load(
        Source(
            data_dir=data_dir,
            validation=settings.validation,
            seed=settings.seed,
            path=Path(path) if path else None,
            image_size=settings.image_size,
        )
    )


def unit(data: Data) -> tuple[Tensor, Tensor]:
    """Shift and scale for inputs in [0, 1]."""
    return torch.zeros(1, 1, 1), torch.full((1, 1, 1), data.white)


def standard(data: Data) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the training images' bytes, [C, 1, 1] each.

    A channel that is the same everywhere is only shifted.
    """
    channels = data.train.images.shape[1]
    counts = torch.stack(  # exact, and without a copy of the images as floats
        [torch.bincount(data.train.images[:, c].flatten(), minlength=256) for c in range(channels)]
    ).double()
    shares = counts / counts.sum(1, keepdim=True)
    values = torch.arange(256, dtype=torch.float64)
    mean = (shares * values).sum(1)
    deviation = (shares * (values - mean[:, None]) ** 2).sum(1).sqrt()
    deviation[deviation == 0] = 1.0
    dtype = torch.get_default_dtype()
    return mean.view(-1, 1, 1).to(dtype), deviation.view(-1, 1, 1).to(dtype)


def constant_loss(data: Data) -> float:
    """Validation loss (nats) of predicting the training set's class frequencies always."""
    counts = torch.bincount(data.train.labels, minlength=data.classes).double()
    log_share = (counts / counts.sum()).log()
    loss = -log_share[data.validation.labels].mean().item()
    if not math.isfinite(loss):
        raise UsageError("--validation leaves a class without training images: take a smaller one")
    return loss
