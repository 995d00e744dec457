"""What do four times as many points cost?

    python -m benchmarks.speed.points [--rounds 3] [-- OPTIONS OF SWEEP]

Times `paretoprune sweep` on real MNIST with 8 and with 32 runs, in turn, and prints the ratio pair
by pair. Needs MNIST in PARETOPRUNE_DATA.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.report import in_words, publish, summary, table
from benchmarks.speed.front import sweep

FEW, MANY = 8, 32
# rounds of knee are smaller, and so its fleets
OPTIONS = ("--epochs", "1", "--search", "grid", "--fleet", "8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, default=Path("points.json"))
    parser.add_argument("options", nargs="*", help="of sweep, after --")
    given = parser.parse_args()
    options = given.options or list(OPTIONS)
    seconds: dict[int, list[float]] = {FEW: [], MANY: []}
    with tempfile.TemporaryDirectory() as place:
        for number in range(given.rounds):
            for runs, own in seconds.items():
                folder = Path(place) / f"{runs}-{number}"
                own.append(sweep(folder, number, [*options, "--max-runs", str(runs)]))
            print(f"round {number + 1} of {given.rounds}", file=sys.stderr, flush=True)
    ratios = [many / few for many, few in zip(seconds[MANY], seconds[FEW], strict=True)]
    rows = [[str(runs), in_words(own, ".1f")] for runs, own in seconds.items()]
    text = (
        f"{table(['runs', 'seconds'], rows)}\n\n"
        f"{MANY} runs take {in_words(ratios)} times as long as {FEW}; n = {len(ratios)}."
    )
    measured = {
        "seconds": {str(runs): summary(own) for runs, own in seconds.items()},
        "ratio": summary(ratios),
    }
    publish(given.json, text, measured, f"python -m benchmarks.speed.points -- {' '.join(options)}")


if __name__ == "__main__":
    main()
