"""How long does a front take that beats the authors'?

    python -m benchmarks.speed.front [--seeds 5] [-- OPTIONS OF SWEEP]

For each seed `paretoprune sweep` on real MNIST, timed from the command to its end, then for each
point of the authors' front (arXiv 2008.13590, figure 4) the network that `paretoprune knee
--at-most nonzeros=N` picks, on validation data. A front beats theirs where each pick has at least
their test accuracy. Their points are the best of theirs on test data. Needs MNIST in
PARETOPRUNE_DATA.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.quality.known import AUTHORS
from benchmarks.report import in_words, publish, summary, table

PROBLEM = ("--dataset", "mnist", "--model", "lenet5", "--smgd", "0")
OPTIONS = ("--epochs", "3")  # enough for seven of their eight points (docs/recipe.md)
CODE_MINUTES = (75, 120)  # what the authors' code takes for 20 to 33 points, on 2 cores


@dataclass(frozen=True)
class Pick:
    """What was chosen within the nonzeros of one of their points; `None` where there is none."""

    bound: int
    nonzeros: int | None
    accuracy: float | None  # on test data

    @property
    def is_met(self) -> bool:
        return self.accuracy is not None and self.accuracy >= AUTHORS[self.bound]

    def __str__(self) -> str:
        if self.accuracy is None:
            return "none"
        return f"{'' if self.is_met else '**'}{100 * self.accuracy:.2f} @ {self.nonzeros:,.0f}"


def paretoprune(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "paretoprune", *map(str, words)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def sweep(folder: Path, seed: int, options: list[str]) -> float:
    """Seconds from the command to the drawn front."""
    started = time.perf_counter()
    ended = paretoprune("sweep", folder, *PROBLEM, "--seed", seed, *options)
    seconds = time.perf_counter() - started
    if ended.returncode not in (0, 3):
        raise SystemExit(ended.stderr)
    return seconds


def pick(folder: Path, bound: int) -> Pick:
    """What `knee` hands over within a number of nonzeros."""
    ended = paretoprune("knee", folder, "--at-most", f"nonzeros={bound}", "--json")
    if ended.returncode:
        return Pick(bound, None, None)
    network = json.loads(ended.stdout)["network"]
    return Pick(bound, network["nonzeros"], 1 - network["test_error"])


def report(seconds: list[float], picks: list[list[Pick]], runs: list[int]) -> str:
    """A row for each seed, and how many beat the authors'."""
    met = [sum(one.is_met for one in own) for own in picks]
    header = ["seed", "seconds", "runs", "points met", *(f"<= {bound:,}" for bound in AUTHORS)]
    authors = ["authors", "", "", "", *(f"{100 * value:.2f}" for value in AUTHORS.values())]
    rows = [
        [str(seed), f"{took:.0f}", str(count), f"{hits} of {len(AUTHORS)}", *map(str, own)]
        for seed, (took, count, hits, own) in enumerate(zip(seconds, runs, met, picks, strict=True))
    ]
    fronts = sum(hits == len(AUTHORS) for hits in met)
    low, high = CODE_MINUTES
    return (
        f"{table(header, [authors, *rows])}\n\n"
        f"Test accuracy in % @ nonzeros of what is picked on validation data; ** below the "
        f"authors'. {fronts} of {len(seconds)} fronts beat theirs at every point; "
        f"{in_words(seconds, '.0f')} s each, n = {len(seconds)}: "
        f"{60 * low / median(seconds):.0f} to {60 * high / median(seconds):.0f} times as fast as "
        "their code."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", type=Path, default=Path("front.json"))
    parser.add_argument("options", nargs="*", help="of sweep, after --")
    given = parser.parse_args()
    options = given.options or list(OPTIONS)
    seconds, picks, runs = [], [], []
    with tempfile.TemporaryDirectory() as place:
        for seed in range(given.seeds):
            folder = Path(place) / f"seed-{seed}"
            seconds.append(sweep(folder, seed, options))
            picks.append([pick(folder, bound) for bound in AUTHORS])
            shown = json.loads(paretoprune("show", folder, "--all", "--json").stdout)
            runs.append(len(shown["points"]))
            print(f"seed {seed}: {seconds[-1]:.0f} s", *picks[-1], file=sys.stderr, flush=True)
    measured = {
        "seconds": summary(seconds),
        "picks": [[vars(one) for one in own] for own in picks],
        "authors": AUTHORS,
    }
    command = f"python -m benchmarks.speed.front -- {' '.join(options)}"
    publish(given.json, report(seconds, picks, runs), measured, command)


if __name__ == "__main__":
    main()
