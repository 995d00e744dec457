"""Cost of variants of Adam on fleets, and the fleet sizes for which networks are equal.

Prints for each model, size of fleet and way the time of a step as a multiple of fused Adam's on one
stacked tensor (the median of pairs in turn, with quartiles), and whether its networks are bit for
bit those of a fleet of 1 and of a fleet of 2.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from statistics import quantiles

import torch

from paretoprune.problem.build import Environment
from paretoprune.problem.device import set_up_process
from paretoprune.runner.runs import run_template
from paretoprune.study.settings import Settings, data_folder
from paretoprune.training import optimizers
from paretoprune.training.prepare import Prepared, prepare
from paretoprune.training.step import Training, begin, take_step

SIZES = (1, 2, 4, 5, 8)
OF_A_PAIR = 5  # steps
STACKED, FOREACH, APART = "fused, stacked", "foreach, stacked", "fused, a tensor per network"


def begun(prepared: Prepared, settings: Settings, size: int, way: str) -> Training:
    """A fleet of so many networks whose Adam sees them in a way."""
    kind = {"foreach": True} if way == FOREACH else {"fused": True}
    optimizers.OPTIMIZERS["adam"] = lambda groups, momentum: torch.optim.Adam(groups, **kind)
    template = run_template(settings)
    runs = [replace(template, lam=1e-6 * (1 + seed), seed=seed) for seed in range(size)]
    return begin(runs, replace(prepared, is_stacked=way != APART))


def steps(training: Training, count: int, start: int = 0) -> float:
    """Seconds of some steps."""
    problem, size = training.problem, training.runs[0].batch_size
    order = problem.order(0)
    began = time.perf_counter()
    for step in range(start, start + count):
        take_step(training, problem.data.train[order[step * size : (step + 1) * size]], 1.0)
    return time.perf_counter() - began


def ratio(begin_: Callable[..., Training], size: int, way: str, pairs: int) -> str:
    """The time of steps in a way as a multiple of the stacked fused ones, in turn."""
    both = [begin_(size, way), begin_(size, STACKED)]
    for one in both:
        steps(one, OF_A_PAIR)
    times = [[steps(one, OF_A_PAIR, OF_A_PAIR * pair) for one in both] for pair in range(pairs)]
    low, middle, high = quantiles([one / other for one, other in times], n=4)
    return f"{middle:.3f} ({low:.3f} to {high:.3f}, n = {pairs})"


def networks_after(
    begin_: Callable[..., Training], size: int, way: str, count: int
) -> list[torch.Tensor]:
    """The parameters of a fleet after some steps, [K, *shape] each."""
    training = begin_(size, way)
    steps(training, count)
    return [value.detach().clone() for value in training.fleet.parameters.values()]


def are_equal(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    """Whether the networks that two fleets have in common are equal, bit for bit."""
    count = min(len(one[0]), len(other[0]))
    return all(torch.equal(a[:count], b[:count]) for a, b in zip(one, other, strict=True))


def main() -> None:
    """Print a line for each model, size and way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--models", nargs="*", default=["mlp", "lenet5"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--steps", type=int, default=100, help="after which networks are compared")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    set_up_process()
    for model in given.models:
        settings = Settings.from_options({"dataset": given.dataset, "model": model})
        prepared = prepare(settings, Environment(data_dir=data_folder(None), device="cpu"))
        begin_ = partial(begun, prepared, settings)
        for way in (STACKED, FOREACH, APART):
            of = {size: networks_after(begin_, size, way, given.steps) for size in SIZES}
            for size in SIZES:
                same = [are_equal(of[size], of[other]) for other in (1, 2)]
                took = ratio(begin_, size, way, given.pairs)
                print(f"{model} K = {size}, {way}: {took}; as in K = 1, 2: {same}", flush=True)


if __name__ == "__main__":
    main()
