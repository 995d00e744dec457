"""Time of everything around the training: starting, recording, deciding, reading, drawing.

    python -m benchmarks.speed.overhead [--rounds 5] [--json overhead.json]

Everything is measured once in each round, in turn. The studies have the settings of `paretoprune
sweep --dataset mnist` and made-up networks, on the front loss = 4 nats / l1 or off it by noise.
They lie in the folder of the JSON file while they are measured.

A sweep only appends and proposes between two fleets. That is compared with an epoch's steps of 8
LeNet-5 on MNIST (PARETOPRUNE_DATA), times the epochs of a run.
"""

import argparse
import contextlib
import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.report import in_words, publish, summary, table
from benchmarks.speed.synthetic import FLEET, MANY, NOISE, SETTINGS, Case, build
from paretoprune.analysis.snapshot import load_study
from paretoprune.problem.build import Environment
from paretoprune.report.plots import draw_studies
from paretoprune.report.terminal.live_view import SweepView
from paretoprune.report.terminal.show import show_points
from paretoprune.runner.events import Recorded
from paretoprune.runner.jobs import JobResult
from paretoprune.runner.loop import expected_runs, keep, record
from paretoprune.runner.rounds import next_round
from paretoprune.runner.runs import run_template
from paretoprune.study import storage
from paretoprune.training.prepare import Prepared, prepare
from paretoprune.training.step import begin
from paretoprune.training.train import train_epoch

ROWS = (10, 100, 1000)  # of the studies to which a fleet is added

# What is measured, by its name in the JSON file.
PASS, TORCH = "python -c pass", 'python -c "import torch"'
PROCESSES: dict[str, tuple[tuple[str, ...], int]] = {  # arguments of python, exit code
    PASS: (("-c", "pass"), 0),
    TORCH: (("-c", "import torch"), 0),
    "paretoprune --help": (("-m", "paretoprune", "--help"), 0),
    "paretoprune --version": (("-m", "paretoprune", "--version"), 0),
    "paretoprune sweep --help": (("-m", "paretoprune", "sweep", "--help"), 0),
    "paretoprune knee missing-folder": (("-m", "paretoprune", "knee", "missing-folder"), 2),
}
EPOCH, READ = "epoch of a fleet", "read"
STUDIES = {  # rows and noise; without noise every network is a corner of the hull
    **{f"{rows:,} rows": (rows, NOISE) for rows in ROWS},
    f"{ROWS[-1]:,} rows without noise": (ROWS[-1], 0.0),
}

Task = Callable[[], float]  # measures something
Times = Mapping[str, Sequence[float]]  # seconds


def clock(work: Callable[[], object]) -> float:
    """Seconds that a call takes; what it prints is not shown."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        started = time.perf_counter()
        work()
        return time.perf_counter() - started


def run_process(arguments: Sequence[str], code: int) -> None:
    """Run a fresh Python; another exit code than `code` ends the benchmark."""
    ended = subprocess.run([sys.executable, *arguments], check=False, capture_output=True)
    if ended.returncode != code:
        raise RuntimeError(f"{arguments}: exit code {ended.returncode}: {ended.stderr.decode()}")


def append(case: Case) -> None:
    """What a sweep does first when a fleet is trained."""
    record(case.folder, case.plan, [JobResult(case.round, outcomes=case.fleet)])


def propose(case: Case, points: pd.DataFrame) -> None:
    """What a sweep does then, until the next fleet begins: see `paretoprune.runner.loop.Loop`."""
    points = keep(case.folder, case.plan, points, set())
    SweepView()(Recorded(points=points))
    round_ = next_round(points, case.plan) or case.round
    expected_runs(points, round_, case.plan)


def time_propose(case: Case) -> float:
    """Measure, then take the fleet out of the study again."""
    seconds = clock(partial(propose, case, storage.read(case.folder)))
    (case.folder / storage.TABLE).write_bytes(case.table)
    storage.forget_weights(case.folder, storage.read(case.folder), ())
    return seconds


def train_steps(prepared: Prepared) -> None:
    """An epoch of a fleet, without evaluation."""
    lams = (0.0, *np.geomspace(6.5e-6, 6.5e-3, FLEET - 1))
    runs = [replace(run_template(SETTINGS), lam=float(lam)) for lam in lams]
    loss, _ = train_epoch(begin(runs, prepared), 0, lambda step, steps: None)
    loss.tolist()  # waits for the device


def looks_at(folder: Path) -> dict[str, Callable[[], object]]:
    """Reading a study, and what is then done with it."""
    snapshot, picture = load_study(folder), folder / "picture.png"
    return {
        READ: partial(load_study, folder),
        "show": partial(show_points, snapshot, everything=False, form="table"),
        "show --all": partial(show_points, snapshot, everything=True, form="table"),
        "show --all --csv": partial(show_points, snapshot, everything=True, form="csv"),
        "show --all --json": partial(show_points, snapshot, everything=True, form="json"),
        "plot": partial(draw_studies, [snapshot], picture),
        "plot --kind layers": partial(draw_studies, [snapshot], picture, kind="layers"),
    }


def tasks_in(place: Path, data: str | None) -> dict[str, Task]:
    """All that is measured, in this order; the studies are built in `place`."""
    tasks: dict[str, Task] = {
        name: partial(clock, partial(run_process, *process)) for name, process in PROCESSES.items()
    }
    if data:
        prepared = prepare(SETTINGS, Environment(data_dir=Path(data)))
        tasks[EPOCH] = partial(clock, partial(train_steps, prepared))
    for number, (name, (rows, noise)) in enumerate(STUDIES.items()):
        case = build(place / str(number), rows, noise)
        tasks[f"append to {name}"] = partial(clock, partial(append, case))
        tasks[f"propose after {name}"] = partial(time_propose, case)
    many = build(place / "many", MANY, NOISE, has_weights=False)
    return tasks | {name: partial(clock, work) for name, work in looks_at(many.folder).items()}


def table_of_starts(times: Times) -> str:
    """Each process, and its ratios to the two plain ones of the same round."""
    header = ("a fresh process", "ms", "as a ratio to pass", "to import torch")
    rows = []
    for name in PROCESSES:
        beside = (in_words(ratios(times[name], times[plain])) for plain in (PASS, TORCH))
        rows.append([name, in_words(ms(times[name]), ".0f"), *beside])
    return table(header, rows)


def table_of_fleets(times: Times) -> str:
    """Append and propose, and their share of a fleet's training."""
    header = (f"a fleet of {FLEET} more after", "append, ms", "propose, ms", "both, % of a fleet")
    rows = []
    for name in STUDIES:
        parts = times[f"append to {name}"], times[f"propose after {name}"]
        share = "not measured"
        if EPOCH in times:
            fleets = [SETTINGS.epochs * epoch for epoch in times[EPOCH]]
            both = [sum(pair) for pair in zip(*parts, strict=True)]
            share = in_words([100 * ratio for ratio in ratios(both, fleets)])
        rows.append([name, *(in_words(ms(part), ".0f") for part in parts), share])
    told = "PARETOPRUNE_DATA is not set: no fleet was trained to compare with."
    if EPOCH in times:
        told = f"An epoch of a fleet: {in_words(times[EPOCH], '.1f')} s."
    return f"{table(header, rows)}\n\n{told}"


def table_of_many(times: Times) -> str:
    """Reading, and what is then done: the tasks that follow on it."""
    names = list(times)[list(times).index(READ) :]
    rows = [[name, in_words(times[name])] for name in names]
    return table((f"{MANY:,} rows: reading, then each alone", "s"), rows)


def ms(times: Sequence[float]) -> list[float]:
    return [1e3 * seconds for seconds in times]


def ratios(times: Sequence[float], others: Sequence[float]) -> list[float]:
    """Pair by pair."""
    return [one / other for one, other in zip(times, others, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, default=Path("overhead.json"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.json.resolve().parent) as place:
        tasks = tasks_in(Path(place), os.environ.get("PARETOPRUNE_DATA"))
        times: dict[str, list[float]] = {name: [] for name in tasks}
        for _ in range(given.rounds):
            for name, task in tasks.items():
                times[name].append(task())
    text = "\n\n".join(part(times) for part in (table_of_starts, table_of_fleets, table_of_many))
    measured = {"seconds": {name: summary(values) for name, values in times.items()}}
    publish(
        given.json, text, measured, f"python -m benchmarks.speed.overhead --rounds {given.rounds}"
    )


if __name__ == "__main__":
    main()
