"""How much cheaper is a network in a fleet than alone, and how far is it from the machine's peak?

    python -m benchmarks.speed.fleet [--model lenet5] [--batch 32] [--sizes 1,2,4,8,16,32]
                                     [--rounds 6]

Every variant lives in a process of its own, so that none inherits another's memory or threads, and
all run in turn in every round, so that a machine whose speed drifts treats them alike. Printed are
network-samples a second, and the ratio to the plain loop at its best number of threads, round by
round. The DataLoader loops need MNIST in PARETOPRUNE_DATA, and are left out without it.
"""

import argparse
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.report import in_words, publish, summary, table
from benchmarks.speed.loops import (
    EVALUATED,
    Loop,
    evaluation_loop,
    fleet_loop,
    loader_loop,
    plain_loop,
    product_loop,
    random_problem,
)
from paretoprune.problem.device import set_up_process
from paretoprune.problem.models import MODELS
from paretoprune.training.fleet import BACKENDS

MNIST = {"train": 54_000, "validation": 6_000, "test": 10_000}  # images, as a sweep uses them
SECONDS = 0.7  # of a measurement, but three turns at least


@dataclass
class Variant:
    """A loop in `processes` of `threads`; `work` is done by one turn of it: samples, or FLOP."""

    build: Callable[..., Loop]
    given: tuple[Any, ...]
    work: float
    threads: int
    processes: int = 1
    speeds: list[float] = field(default_factory=list)  # work a second, in each round
    memory: float = 0.0  # MB beyond what the process had before its loop


def serve(
    pipe: Connection, build: Callable[..., Loop], given: tuple[Any, ...], threads: int
) -> None:
    """A worker: take turns for `SECONDS` whenever told to, answer turns and seconds."""
    torch.set_num_threads(threads)
    before = _peak_memory()
    try:
        loop = build(*given)
        loop(2)
        while pipe.recv():
            turns, started = 0, time.perf_counter()
            while turns < 3 or time.perf_counter() - started < SECONDS:
                loop(1)
                turns += 1
            if torch.cuda.is_initialized():
                torch.cuda.synchronize()
            pipe.send((turns, time.perf_counter() - started, _peak_memory() - before))
    except Exception as error:  # such as a way to train that does not fit the model
        pipe.recv()
        pipe.send(f"{type(error).__name__}: {error}")


def _peak_memory() -> float:
    if torch.cuda.is_initialized():
        return torch.cuda.max_memory_allocated() / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def fleet(
    model: str, device: str, path: str, size: int, batch: int, evaluates: bool = False
) -> Loop:
    """A fleet as a sweep trains it: memory kept, by a way that is named."""
    if device == "cpu":
        set_up_process()
    problem = random_problem(model, device, path)
    return evaluation_loop(problem, size) if evaluates else fleet_loop(problem, size, batch)


def plain(model: str, device: str, batch: int) -> Loop:
    return plain_loop(random_problem(model, device), batch)


def loader(model: str, batch: int, workers: int) -> Loop:
    return loader_loop(random_problem(model), batch, workers)


def products(device: str) -> Loop:
    return product_loop(device)[0]


def variants(given: argparse.Namespace) -> dict[str, Variant]:
    """Everything that is timed, by name."""
    model, device, batch = given.model, given.device, given.batch
    cores = os.cpu_count() or 1
    found = {
        f"plain loop, {threads} thread{'s' * (threads > 1)}": Variant(
            plain, (model, device, batch), batch, threads
        )
        for threads in sorted({1, cores})
    }
    found[f"plain loop, {cores} processes of 1 thread"] = Variant(
        plain, (model, device, batch), batch, 1, processes=cores
    )
    if os.environ.get("PARETOPRUNE_DATA") and model != "vgg" and device == "cpu":
        for workers in (0, cores):
            found[f"DataLoader loop, {workers} workers"] = Variant(
                loader, (model, batch, workers), batch, cores
            )
    for path in BACKENDS:
        for size in given.sizes:
            own = (model, device, path, size, batch)
            found[f"{path}, K = {size}"] = Variant(fleet, own, size * batch, cores)
    own = (model, device, "fused", 8, batch, True)
    found["evaluation, K = 8"] = Variant(fleet, own, 8 * EVALUATED, cores)
    found["matrix product"] = Variant(products, (device,), product_loop("cpu")[1], cores)
    return found


def measure(found: dict[str, Variant], rounds: int) -> dict[str, str]:
    """Run all variants in turn; those that cannot run are removed, with the reason as answer."""
    context = multiprocessing.get_context("spawn")
    pipes: dict[str, list[Connection]] = {}
    for name, variant in found.items():
        pairs = [context.Pipe() for _ in range(variant.processes)]
        for _, end in pairs:
            arguments = (end, variant.build, variant.given, variant.threads)
            context.Process(target=serve, args=arguments).start()  # a daemon has no workers
        pipes[name] = [own for own, _ in pairs]
    failed: dict[str, str] = {}
    for number in range(rounds + 1):
        for name in list(found):
            for pipe in pipes[name]:
                pipe.send(True)
            answers = [pipe.recv() for pipe in pipes[name]]
            if isinstance(answers[0], str):
                failed[name] = answers[0]
                del found[name]
            elif number > 0:  # the first round waited for all processes to start
                variant = found[name]
                speeds = (variant.work * turns / seconds for turns, seconds, _ in answers)
                variant.speeds.append(sum(speeds))
                variant.memory = sum(memory for _, _, memory in answers)
        print(f"round {number} of {rounds}", file=sys.stderr, flush=True)
    for name in found:
        for pipe in pipes[name]:
            pipe.send(False)
    return failed


def flop_per_sample(model: str) -> float:
    """Floating-point operations of one network's training on one image."""
    problem = random_problem(model).problem
    (images,) = problem.inputs(problem.data.train[:8].inputs)
    with FlopCounterMode(display=False) as counter:
        problem.network(0)(images).sum().backward()
    return counter.get_total_flops() / len(images)


def report(found: dict[str, Variant], flop: float) -> str:
    """Samples a second, the ratio to the best plain loop of one process, and the rest."""
    peak = found.pop("matrix product").speeds
    evaluation = found.pop("evaluation, K = 8", None)
    alone = [name for name, v in found.items() if name.startswith("plain") and v.processes == 1]
    best = max(alone, key=lambda name: median(found[name].speeds))
    rows = []
    for name, variant in found.items():
        ratios = [a / b for a, b in zip(variant.speeds, found[best].speeds, strict=True)]
        shares = [100 * a * flop / b for a, b in zip(variant.speeds, peak, strict=True)]
        speed, share = f"{median(variant.speeds):,.0f}", f"{median(shares):.1f} %"
        rows.append([name, speed, in_words(ratios), share, f"{variant.memory:,.0f} MB"])
    header = ["loop", "network-samples/s", f"times {best}", "of peak", "peak memory"]
    lines = [
        table(header, rows),
        f"\nn = {len(peak)} rounds; median (least to most). Peak: a large float32 matrix product, "
        f"{in_words([p / 1e9 for p in peak], '.0f')} GFLOP/s; a sample is {flop / 1e6:.2f} MFLOP.",
    ]
    eight = found.get("fused, K = 8")
    if eight and evaluation:
        for epochs in (5, 10):
            tested = epochs * MNIST["validation"] + sum(MNIST.values())
            trained = epochs * MNIST["train"] / median(eight.speeds)
            share = tested / median(evaluation.speeds)
            lines.append(
                f"Evaluation of a run of {epochs} epochs on MNIST's numbers of images: "
                f"{100 * share / (share + trained):.1f} % of its time."
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="lenet5", choices=MODELS)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--sizes", default="1,2,4,8,16,32")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--json", type=Path, default=Path("fleet.json"))
    given = parser.parse_args()
    given.sizes = [int(size) for size in given.sizes.split(",")]
    found = variants(given)
    failed = measure(found, given.rounds)
    flop = flop_per_sample(given.model)
    measured = {
        name: {**summary(variant.speeds), "memory_mb": variant.memory}
        for name, variant in found.items()
    }
    text = report(found, flop)
    for name, reason in failed.items():
        text += f"\nleft out: {name} ({reason})"
    command = f"python -m benchmarks.speed.fleet --model {given.model} --batch {given.batch}"
    publish(given.json, text, {"loops": measured, "flop_per_sample": flop}, command)


if __name__ == "__main__":
    main()
