"""What does a Ray cluster cost, and what does it bring? On one machine, with real Ray.

    python -m benchmarks.speed.cluster [--rounds 5] [--json cluster.json]
    python -m benchmarks.speed.cluster sleep --workers 100 [--points 1000] [--size 1] [--async]

First the overhead of a fleet: the same sweep here and on a cluster with one place, one thread
each, in turn. Then two fleets at once, one thread each, against one after the other with two
threads. With `sleep` workers only sleep as long as fleets were measured to take, stretched to
`--seconds`; it says what share of the time they are busy, and what the coordinator takes for a
point.
"""

import argparse
import statistics
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import ray
import torch

from benchmarks.report import in_words, publish, summary
from benchmarks.speed.sleeping import sweep_asleep
from paretoprune.runner.events import Event
from paretoprune.runner.executors.executor import Executor
from paretoprune.runner.executors.local import LocalExecutor
from paretoprune.runner.executors.ray import RayConfig
from paretoprune.runner.executors.ray.ray_executor import RayExecutor
from paretoprune.runner.request import SweepRequest
from paretoprune.runner.sweep import sweep
from paretoprune.study import storage

MODULE = "python -m benchmarks.speed.cluster"
SETTINGS = {"round_size": 8, "epochs": 20}
FLEET = 4


def quiet(event: Event) -> None:
    """Watch nothing."""


def cluster_of(cores: int, threads: int) -> RayExecutor:
    """An executor on a new cluster with so many cores, whose worker is warm."""
    ray.init(address="local", num_cpus=cores, include_dashboard=False, log_to_driver=False)
    return RayExecutor(RayConfig(gpus_per_fleet=0.0, cpus_per_fleet=threads), "cpu", quiet)


def train(executor: Executor, runs: int, fleet: int = FLEET) -> tuple[float, Path]:
    """Seconds of a sweep of the digits, and its study."""
    folder = Path(tempfile.mkdtemp()) / "study"
    budget = {"max_runs": runs, "fleet": fleet, "smgd": 0, "tolerance": 0.0}
    began = time.perf_counter()
    sweep(SweepRequest(folder=folder, settings=SETTINGS, budget=budget), quiet, executor)
    return time.perf_counter() - began, folder


def overhead(rounds: int) -> dict[str, list[float]]:
    """Seconds more that a fleet takes on a cluster with one place, and as a ratio."""
    torch.set_num_threads(1)
    executor = cluster_of(1, 1)
    train(executor, FLEET)  # a worker imports torch once
    seconds: dict[str, list[float]] = {"here": [], "on Ray": [], "overhead of a fleet": []}
    for _ in range(rounds):
        here, ray_ = train(LocalExecutor(), 8)[0], train(executor, 8)[0]
        seconds["here"].append(here)
        seconds["on Ray"].append(ray_)
        seconds["overhead of a fleet"].append((ray_ - here) / (8 / FLEET))
    ray.shutdown()
    return seconds


def together(rounds: int) -> list[float]:
    """Time of two fleets at once, a thread each, over that of one after the other with two."""
    executor = cluster_of(2, 1)
    train(executor, 2 * FLEET)
    ratios = []
    for _ in range(rounds):
        torch.set_num_threads(2)
        alone = train(LocalExecutor(), 8)[0]
        torch.set_num_threads(1)
        ratios.append(train(executor, 8)[0] / alone)
    ray.shutdown()
    return ratios


def spread(fleets: int = 20) -> list[float]:
    """How long fleets of the digits take, over their mean."""
    torch.set_num_threads(1)
    points = storage.read(train(LocalExecutor(), fleets * 2, fleet=2)[1])
    seconds = (points["seconds"] * points["fleet_size"]).iloc[::2].tolist()
    return [value / statistics.mean(seconds) for value in seconds]


def measure(given: argparse.Namespace) -> None:
    """Overhead, and two at once."""
    costs, ratios = overhead(given.rounds), together(given.rounds)
    lines = [f"{name}: {in_words(values, '.3f')} s" for name, values in costs.items()]
    lines.append(f"two at once over one after the other: {in_words(ratios)}")
    measured = {
        **{name: summary(values) for name, values in costs.items()},
        "ratio": summary(ratios),
    }
    publish(given.json, "\n".join(lines), measured, f"{MODULE} --rounds {given.rounds}")


def sleep(given: argparse.Namespace) -> None:
    """How busy sleeping workers are."""
    shares = spread()
    durations = [given.seconds * share for share in shares]
    folder = Path(tempfile.mkdtemp()) / "study"
    ray.init(address="local", num_cpus=given.workers, include_dashboard=False, log_to_driver=False)
    slept = sweep_asleep(folder, given.workers, durations, given.points, given.size, given.is_async)
    ray.shutdown()
    kind = "--async" if given.is_async else "rounds"
    text = (
        f"{given.workers} workers, {kind}, {slept.points} points in fleets of {given.size} that "
        f"take {in_words(durations, '.1f')} s: busy {slept.busy:.1%}, {slept.steady:.1%} while "
        f"there is work; coordinator {slept.ms_a_point:.1f} ms a point, {slept.seconds:.0f} s"
    )
    options = f"--workers {given.workers} --points {given.points} --size {given.size}"
    command = f"{MODULE} sleep {options} --seconds {given.seconds}{' --async' * given.is_async}"
    publish(given.json, text, {**asdict(slept), "durations": durations}, command)


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="?", choices=("overhead", "sleep"), default="overhead")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=10)
    parser.add_argument("--points", type=int, default=100)
    parser.add_argument("--size", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--async", dest="is_async", action="store_true")
    parser.add_argument("--json", type=Path, default=Path("cluster.json"))
    given = parser.parse_args()
    {"overhead": measure, "sleep": sleep}[given.what](given)


if __name__ == "__main__":
    main()
