"""How much cheaper is a network in a fleet than a plain torch loop?

    python -m bench.fleet [--model lenet5] [--sizes 1,4,8] [--rounds 6] [--steps 40]

Images are random: only time is measured. All variants run in turn in every round, so that a machine
whose speed drifts treats them alike; printed is the time of one network and step as a ratio to the
plain loop's, pair by pair.
"""

import argparse
import statistics
import time
from dataclasses import replace

import torch
from torch.nn import functional

from paretoprune.complexity import COMPLEXITIES, PRUNABLE, prunable_names, weight_names
from paretoprune.datasets import Data, Part
from paretoprune.models import MODELS
from paretoprune.problem import Problem
from paretoprune.rounds import run_template
from paretoprune.settings import Settings
from paretoprune.step import begin, take_step

BATCH = 64


def random_problem(model: str) -> Problem:
    images = torch.randint(0, 256, (5000, 1, 28, 28), dtype=torch.uint8)
    part = Part(images, torch.randint(0, 10, (5000,)))
    build = MODELS[model]
    return Problem(
        model=build,
        data=Data(part, part, part, classes=10, white=255.0),
        complexity=COMPLEXITIES["l1"],
        prunable=prunable_names(build((1, 28, 28), 10), "linear"),
        convolutions=weight_names(build((1, 28, 28), 10), PRUNABLE["conv"]),
        constant_loss=2.3,
        seed=0,
        device=torch.device("cpu"),
        shift=torch.zeros(1, 1, 1),
        scale=torch.full((1, 1, 1), 255.0),
    )


def time_plain(problem: Problem, steps: int) -> float:
    """Seconds a step of one network: torch.optim.Adam, l1 in the loss, ITP."""
    network = problem.network(0)
    weights = [dict(network.named_parameters())[name] for name in problem.prunable]
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    train, started = problem.data.train, 0.0
    for step in range(steps + 3):
        if step == 3:
            started = time.perf_counter()
        batch = torch.randint(0, len(train), (BATCH,))
        logits = network(problem.inputs(train.images[batch]))
        l1 = torch.stack([weight.abs().sum() for weight in weights]).sum()
        loss = functional.cross_entropy(logits, train.labels[batch]) + 1e-4 * l1
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for weight in weights:
                weight.masked_fill_(weight.abs() <= 1e-3, 0)
    return (time.perf_counter() - started) / steps


def time_fleet(problem: Problem, size: int, steps: int, **changes: object) -> float:
    """Seconds a step and network in a fleet, with `changes` of its runs."""
    run = replace(run_template(Settings(batch_size=BATCH)), **changes)
    training = begin([run] * size, problem)
    train, started = problem.data.train, 0.0
    for step in range(steps + 3):
        if step == 3:
            started = time.perf_counter()
        batch = torch.randint(0, len(train), (BATCH,))
        take_step(training, train.images[batch], train.labels[batch], 1.0)
    return (time.perf_counter() - started) / steps / size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="lenet5", choices=MODELS)
    parser.add_argument("--sizes", default="1,2,4,8,16")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--steps", type=int, default=40)
    given = parser.parse_args()
    sizes = [int(size) for size in given.sizes.split(",")]
    problem = random_problem(given.model)
    plain: list[float] = []
    fleets: dict[int, list[float]] = {size: [] for size in sizes}
    for _ in range(given.rounds):
        plain.append(time_plain(problem, given.steps))
        for size in sizes:
            fleets[size].append(time_fleet(problem, size, given.steps))
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {given.model}, batch 64")
    print(f"plain loop: {1e3 * statistics.median(plain):.2f} ms a step")
    print("networks  ratio to the plain loop (median, min to max)")
    for size, times in fleets.items():
        ratios = [fleet / alone for fleet, alone in zip(times, plain, strict=True)]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(f"{size:8d}  {statistics.median(ratios):.2f} ({spread})")


if __name__ == "__main__":
    main()
