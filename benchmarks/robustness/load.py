"""What does a large study cost to look at, and does a long sweep's memory grow?

    python -m benchmarks.robustness.load [--rounds 3] [--json load.json]
    python -m benchmarks.robustness.load --memory [--json memory.json]

The first times each command, as a process of its own, on made-up studies of 1,000 and of 10,000
runs of the paper's LeNet-5, three of them SMGD's, beside a start that does nothing and beside
`pandas.read_parquet`; all in turn, in each round. The second sweeps 500 tiny runs on the digits in
this process and reports its resident memory.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import psutil
import pyarrow.parquet as pq

from benchmarks.report import in_words, publish, summary, table
from benchmarks.speed.overhead import clock, ratios, run_process
from benchmarks.speed.synthetic import build
from paretoprune.analysis.snapshot import load_study
from paretoprune.runner.events import Event, Recorded
from paretoprune.runner.request import SweepRequest
from paretoprune.runner.sweep import sweep
from paretoprune.study import storage
from paretoprune.study.columns import COLUMNS
from paretoprune.training.methods.smgd import NAME as SMGD

FEW, MANY = 1_000, 10_000
NOISE = 0.1  # standard deviation of the logarithms of loss and l1, as between seeds
SEEDS = 3  # of SMGD
START = "--version"
PANDAS = "pandas.read_parquet"
COMMANDS = (
    *("show {}", "show {} --all", "show {} --all --json", "show {} --all --csv"),
    *("knee {}", "knee {} --rule tradeoff", "knee {} --at-least accuracy=0.9", "compare {}"),
    *("plot {} -o {}/picture.png", "plot {} --kind layers -o {}/picture.png"),
    "plot {} --kind history -o {}/picture.png",
)
RUNS, WARM = 500, 50  # of the sweep whose memory is measured, and from where on
TINY = {"epochs": 1, "batch_size": 1024, "search": "grid", "round_size": 10}
MOST_GROWTH = 0.05  # of the resident memory, from run WARM to run RUNS

# of a processor and of a clock, by command and the rows of its study
Times = dict[tuple[str, int], list[tuple[float, float]]]


def large_study(folder: Path, rows: int) -> None:
    """A study of so many rows; the networks of its front have histories."""
    plan = build(folder, rows - SEEDS, NOISE, has_weights=False).plan
    on_front = set(load_study(folder).front["run_id"])
    stored = [name for name, column in COLUMNS.items() if column.filled_by == "storage"]
    recorded = pq.read_table(folder / storage.TABLE).drop_columns(stored).to_pylist()
    chosen = [row for row in recorded if row["run_id"] in on_front]
    compared = [
        {**row, "run_id": f"{seed:012x}", "role": "comparison", "method": SMGD, "search": None}
        | {"lam": None, "seed": seed}
        for seed, row in enumerate(chosen[:SEEDS])
    ]
    epochs = [float(epoch + 1) for epoch in range(plan.settings.epochs)]
    course = dict.fromkeys(storage.HISTORY.names, tuple(epochs))
    histories = {row["run_id"]: course for row in (*chosen, *compared)}
    storage.record(folder, [*chosen, *compared], {}, histories, {})


def command_line(command: str, folder: Path) -> list[str]:
    """The arguments of `paretoprune` for a study."""
    return [word.format(folder) for word in command.split()]


def processes(place: Path) -> dict[tuple[str, int], list[str]]:
    """What is timed, by its name and the rows of its study: arguments of python."""
    timed = {(START, 0): ["-m", "paretoprune", START]}
    for rows in (FEW, MANY):
        folder = place / str(rows)
        large_study(folder, rows)
        read = f"import pandas; pandas.read_parquet({str(folder / storage.TABLE)!r})"
        timed[PANDAS, rows] = ["-c", read]
        for command in COMMANDS:
            timed[command, rows] = ["-m", "paretoprune", *command_line(command, folder)]
    return timed


def seconds_of(arguments: Sequence[str]) -> tuple[float, float]:
    """Seconds of a processor, which a busy machine hardly changes, and of a clock."""
    before = os.times()
    wall = clock(partial(run_process, arguments, 0))
    after = os.times()
    own = after.children_user + after.children_system
    return own - before.children_user - before.children_system, wall


def time_commands(rounds: int) -> tuple[str, dict[str, object]]:
    """Time all commands; the report in words and in figures."""
    with tempfile.TemporaryDirectory() as place:
        timed = processes(Path(place))
        seconds: Times = {name: [] for name in timed}
        for number in range(rounds):
            for name, arguments in timed.items():
                seconds[name].append(seconds_of(arguments))
            print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    figures = {
        f"{name}, {rows} rows": {"processor": summary(processor), "clock": summary(wall)}
        for (name, rows), own in seconds.items()
        for processor, wall in [zip(*own, strict=True)]
    }
    return table_of_commands(seconds), {"seconds": figures}


def table_of_commands(seconds: Times) -> str:
    """Seconds of each command, and their ratios to a start and between the two studies."""

    def columns(name: str, rows: int) -> list[list[float]]:
        return [list(values) for values in zip(*seconds[name, rows], strict=True)]

    start, _ = columns(START, 0)
    header = (
        *("command", *(f"processor s, {rows:,} rows" for rows in (FEW, MANY))),
        *(f"clock s, {MANY:,} rows", "ratio of the rows", "ratio to a start"),
    )
    rows = [[START, *[in_words(start)] * 2, in_words(columns(START, 0)[1]), "1", "1"]]
    for name in (PANDAS, *COMMANDS):
        (few, _), (many, wall) = columns(name, FEW), columns(name, MANY)
        cells = (in_words(few), in_words(many), in_words(wall))
        compared = (in_words(ratios(many, few)), in_words(ratios(many, start), ".0f"))
        words = name.replace(" {}", "", 1).replace(" -o {}/picture.png", "")
        rows.append([words, *cells, *compared])
    return table(header, rows)


def memory_of_sweep(
    folder: Path, runs: int, say: Callable[[str], None] = lambda text: None
) -> dict[int, int]:
    """Resident bytes of this process by the number of runs that a sweep has recorded."""
    process, measured = psutil.Process(), {}

    def watch(event: Event) -> None:
        if isinstance(event, Recorded):
            measured[len(event.points)] = process.memory_info().rss
            say(f"{len(event.points)} runs: {measured[len(event.points)] / 1e6:.0f} MB")

    budget = {"max_runs": runs, "fleet": 5, "smgd": 0}
    sweep(SweepRequest(folder=folder, settings=TINY, budget=budget), watch)
    return measured


def growth(measured: Mapping[int, int]) -> float:
    """By which share memory grows from run `WARM` to the last."""
    return measured[max(measured)] / measured[WARM] - 1


def report_memory() -> tuple[str, dict[str, object]]:
    """Sweep; the report in words and in figures."""
    with tempfile.TemporaryDirectory() as place:
        measured = memory_of_sweep(
            Path(place) / "study", RUNS, lambda text: print(text, file=sys.stderr)
        )
    few, many = measured[WARM] / 1e6, measured[max(measured)] / 1e6
    text = (
        f"{few:.0f} MB after {WARM} runs, {many:.0f} MB after {max(measured)}: "
        f"{growth(measured):+.2%} (at most {MOST_GROWTH:.0%} is meant), n = 1."
    )
    return text, {"bytes": measured, "growth": growth(measured)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if given.memory:
        text, measured = report_memory()
        publish(
            given.json or Path("memory.json"),
            text,
            measured,
            "python -m benchmarks.robustness.load --memory",
        )
    else:
        text, measured = time_commands(given.rounds)
        command = f"python -m benchmarks.robustness.load --rounds {given.rounds}"
        publish(given.json or Path("load.json"), text, measured, command)


if __name__ == "__main__":
    main()
