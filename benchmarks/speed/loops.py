"""The loops that are timed against each other: a fleet's, and what people write without one."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import count

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

from paretoprune.problem.datasets import Data, Split
from paretoprune.problem.losses import LOSSES
from paretoprune.problem.models import MODELS
from paretoprune.problem.normalization import on, rescale
from paretoprune.problem.problem import Problem
from paretoprune.pruning.penalties import PENALTIES
from paretoprune.pruning.selection import PRUNABLE, prunable_names, weight_names
from paretoprune.runner.runs import run_template
from paretoprune.study.metric import ACCURACY
from paretoprune.study.settings import Settings
from paretoprune.training.evaluate import evaluate
from paretoprune.training.prepare import Prepared
from paretoprune.training.step import begin, take_step

SHAPES = {"vgg": (3, 32, 32)}  # of images; all others see MNIST's
IMAGES, EVALUATED = 4096, 500
Loop = Callable[[int], None]  # takes so many steps


def random_problem(model: str, device: str = "cpu", path: str = "fused") -> Prepared:
    """Random images and labels: only time is measured."""
    shape, build = SHAPES.get(model, (1, 28, 28)), MODELS[model]
    images = torch.randint(0, 256, (IMAGES, *shape), dtype=torch.uint8)
    part, place = Split((images,), torch.randint(0, 10, (IMAGES,))), torch.device(device)
    network, data = build(shape, 10), Data(part, part, part, classes=10)
    problem = Problem(
        model=partial(build, shape, 10),
        data=data.to(place),
        loss=LOSSES["cross-entropy"],
        complexity=PENALTIES["l1"],
        prunable=prunable_names(network, "linear"),
        convolutions=weight_names(network, PRUNABLE["conv"]),
        seed=0,
        device=place,
        scalings=on(place, rescale(data)),
    )
    return Prepared(problem, path, {}, torch.zeros(10, device=place), 2.3, ACCURACY)


def batches(prepared: Prepared, size: int) -> Iterator[Split]:
    """Mini-batches of bytes without end, gathered as in training."""
    problem, data = prepared.problem, prepared.problem.data.train
    for epoch in count():
        for batch in problem.order(epoch).split(size):
            yield data[batch]


def fleet_loop(prepared: Prepared, size: int, batch: int, **changes: object) -> Loop:
    """Steps of a fleet, with `changes` of its runs."""
    template = replace(run_template(Settings(batch_size=batch)), **changes)
    training = begin([replace(template, seed=seed) for seed in range(size)], prepared)
    source = batches(prepared, batch)

    def steps(number: int) -> None:
        for _ in range(number):
            take_step(training, next(source), 1.0)

    return steps


def time_fleet(prepared: Prepared, size: int, steps: int, **changes: object) -> float:
    """Seconds a step and network in a fleet, batch 64."""
    loop = fleet_loop(prepared, size, 64, **changes)
    loop(3)
    started = time.perf_counter()
    loop(steps)
    return (time.perf_counter() - started) / steps / size


def evaluation_loop(prepared: Prepared, size: int) -> Loop:
    """Evaluations of a fleet on some images."""
    fleet, test = prepared.fleet(list(range(size))), prepared.problem.data.test
    some = test[:EVALUATED]

    def evaluations(number: int) -> None:
        for _ in range(number):
            evaluate(fleet, prepared, some)

    return evaluations


def plain_loop(prepared: Prepared, batch: int) -> Loop:
    """One network as torch's tutorials train it, with data in memory: Adam, l1, pruning."""
    parts = batches(prepared, batch)
    problem = prepared.problem
    source = ((problem.inputs(part.inputs)[0], part.targets) for part in parts)
    return _eager(prepared, source)


def loader_loop(prepared: Prepared, batch: int, workers: int) -> Loop:
    """The same fed as in pytorch/examples (mnist/main.py): torchvision behind a DataLoader."""
    from torchvision.datasets import MNIST
    from torchvision.transforms import Compose, Normalize, ToTensor

    usual = Compose([ToTensor(), Normalize((0.1307,), (0.3081,))])
    data = MNIST(os.environ["PARETOPRUNE_DATA"], train=True, transform=usual)
    loader = DataLoader(
        data, batch, shuffle=True, num_workers=workers, persistent_workers=workers > 0
    )
    source = ((x, y) for _ in count() for x, y in loader)
    return _eager(prepared, source)


def _eager(prepared: Prepared, source: Iterator[tuple[Tensor, Tensor]]) -> Loop:
    problem = prepared.problem
    network: nn.Module = problem.network(0).to(problem.device)
    weights = [dict(network.named_parameters())[name] for name in problem.prunable]
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2, fused=True)

    def steps(number: int) -> None:
        for _ in range(number):
            images, labels = next(source)
            l1 = torch.stack([weight.abs().sum() for weight in weights]).sum()
            loss = functional.cross_entropy(network(images), labels) + 1e-4 * l1
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                for weight in weights:
                    weight.masked_fill_(weight.abs() <= 1e-3, 0)

    return steps


def product_loop(device: str) -> tuple[Loop, float]:
    """Large float32 matrix products, whose speed is the machine's peak, and FLOP of one."""
    side = 2048
    one, other = torch.rand(2, side, side, device=device)

    def products(number: int) -> None:
        for _ in range(number):
            torch.mm(one, other)

    return products, 2.0 * side**3
