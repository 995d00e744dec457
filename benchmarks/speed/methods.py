"""What does it cost that SMGD chooses the weights of each step?

    python -m benchmarks.speed.methods [--size 3] [--rounds 15] [--steps 40]

LeNet-5, batch 64, Adam, random images: only time is measured. All variants run in turn in every
round, so that a machine whose speed drifts treats them alike; printed is the time of a step as a
ratio to the weighted sum's, pair by pair.
"""

import argparse
import statistics

import torch

from benchmarks.speed.loops import random_problem, time_fleet

SMGD = {"method": "smgd", "lam": None}
VARIANTS: dict[str, dict[str, object]] = {
    "weighted sum": {"lam": 1e-4},
    "weighted sum, separate moments": {"lam": 1e-4, "moments": "separate"},
    "smgd": SMGD,
    "smgd, separate moments": {**SMGD, "moments": "separate"},
    "smgd, normalized by loss": {**SMGD, "normalize": "loss"},
    "smgd, split": {**SMGD, "split": True, "l2_conv": 1.0},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=40)
    given = parser.parse_args()
    problem = random_problem("lenet5")
    times: dict[str, list[float]] = {name: [] for name in VARIANTS}
    for _ in range(given.rounds):
        for name, changes in VARIANTS.items():
            times[name].append(time_fleet(problem, given.size, given.steps, **changes))
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, K = {given.size}")
    base = times["weighted sum"]
    print(f"weighted sum: {1e3 * statistics.median(base):.2f} ms a step and network")
    for name, own in times.items():
        ratios = [one / other for one, other in zip(own, base, strict=True)]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(f"{name:32s} {statistics.median(ratios):.2f} ({spread}), n = {len(ratios)}")


if __name__ == "__main__":
    main()
