"""Is anything lost when a sweep is killed?

    python -m benchmarks.robustness.kills N [--seed 0] [--json kills.json]

Kills `paretoprune sweep` N times and goes on with the same command each time, by SIGKILL, SIGTERM
and SIGINT (Ctrl-C) in turn. Half of the kills are of the plain command at a random time, one in
eight of them before its first word, while Python itself still answers signals: there only what lies
on disk is judged. The other half come in the midst of a write (`benchmarks.robustness.victim`),
where also each fleet is written down after every epoch.

After every kill the study is read, no row is lost or altered, all weights load and agree with the
table, and the process has ended in a sentence. A sweep that is done has the very files of one that
was not disturbed, and their content, bit for bit (times aside; the picture is not compared).
"""

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.report import publish, table
from benchmarks.robustness.wholeness import damages, differences, files_of, rows_of

ROOT = Path(__file__).parents[2]
SWEEP = (
    *("--epochs=3", "--batch-size=256", "--lr=0.02", "--round=4", "--max-runs=10", "--fleet=2"),
    *("--smgd=2", "--tolerance=0", "--device=cpu"),
)
VARIETIES = {"all": SWEEP, "front": (*SWEEP, "--keep-weights=front")}
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
INTERRUPTED = 130
START, TRAINING, WRITE = "before its first word", "while it trains", "in the midst of a write"
STARTS = 8  # of so many kills of the plain command, one comes before its first word
MOMENTS = 100  # of writes, among which a kill is drawn: those of two or three fleets
FLEET = 2  # rows that may be recorded after a signal that is minded
PATIENCE = 300.0  # seconds: who takes longer hangs


@dataclass(frozen=True)
class Plan:
    """When a process is to be killed: `at` is in seconds, or counts the moments of writes."""

    when: str
    signal: signal.Signals
    at: float


@dataclass(frozen=True)
class Ending:
    """How a process ended; `moment` is empty where it ended before its signal came.

    `is_done` says that it had nothing left to do but to end. `rows` is how many there were at that
    moment, or a little later, `start` the seconds that the first word took.
    """

    code: int
    words: str
    moment: str
    is_done: bool
    rows: int = 0
    start: float = 0.0


@dataclass(frozen=True)
class Usual:
    """A sweep that nobody disturbed: its files, and the seconds of its start and of the rest."""

    options: Sequence[str]
    files: Mapping[str, str]
    rows: int
    start: float
    rest: float


@dataclass
class Report:
    """All kills, what they did harm to, and how many sweeps they hit in how many seconds."""

    kills: list[dict[str, object]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    sweeps: int = 0
    seconds: float = 0.0


Sweep = Callable[[Path, Sequence[str], Plan], Ending]


@contextmanager
def victims() -> Iterator[Sweep]:
    """How to sweep until the sweep kills itself in the midst of a write: see `victim`."""
    command = (sys.executable, "-m", "benchmarks.robustness.victim")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, env=environment(), **pipes) as server:
        yield partial(ask, server)


def ask(server: subprocess.Popen[str], folder: Path, options: Sequence[str], plan: Plan) -> Ending:
    """Sweep in a fork of the server until it ends or kills itself."""
    words, note = folder.with_suffix(".words"), folder.with_suffix(".note")
    note.unlink(missing_ok=True)
    order = {
        "arguments": ["sweep", str(folder), *options],
        "moment": int(plan.at),
        "signal": int(plan.signal),
        "words": str(words),
        "answer": str(answer_of(folder)),
        "note": str(note),
        "patience": int(PATIENCE),
    }
    print(json.dumps(order), file=server.stdin, flush=True)
    code = int(server.stdout.readline())
    moment = note.read_text() if note.exists() else ""
    return Ending(code, words.read_text(), moment, is_done(folder))


def environment() -> dict[str, str]:
    """One thread: sums in another order are other sums."""
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def answer_of(folder: Path) -> Path:
    """Where a sweep's stdout goes."""
    return folder.with_suffix(".answer")


def is_done(folder: Path) -> bool:
    """Whether a sweep had said its last words when it ended."""
    return "\nNext:\n" in answer_of(folder).read_text()


def sweep(folder: Path, options: Sequence[str], plan: Plan | None = None) -> Ending:
    """The plain command, killed as planned."""
    command = [sys.executable, "-m", "paretoprune", "sweep", str(folder), *options]
    path, started = folder.with_suffix(".words"), time.monotonic()
    with path.open("w") as words, answer_of(folder).open("w") as answer:
        process = subprocess.Popen(command, stdout=answer, stderr=words, env=environment())
    if plan is None or plan.when != START:
        while process.poll() is None and not path.stat().st_size:
            time.sleep(0.002)
    start, rows, moment = time.monotonic() - started, 0, ""
    try:
        process.wait(plan.at if plan else PATIENCE)
    except subprocess.TimeoutExpired:
        moment = f"after {time.monotonic() - started:.2f} s"
        process.send_signal(plan.signal if plan else signal.SIGKILL)
        rows = len(rows_of(folder))
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
    return Ending(process.wait(), path.read_text(), moment, is_done(folder), rows, start)


def undisturbed(folder: Path, options: Sequence[str]) -> Usual:
    """Sweep once for all."""
    started = time.monotonic()
    ending = sweep(folder, options)
    if ending.code:
        raise RuntimeError(f"the undisturbed sweep ended with {ending.code}: {ending.words}")
    rest = time.monotonic() - started - ending.start
    return Usual(options, files_of(folder), len(rows_of(folder)), ending.start, rest)


def draw(number: int, rng: random.Random, usual: Usual, rows: int) -> Plan:
    """When kill `number` comes, in a sweep that has so many rows already."""
    half, odd = divmod(number, 2)  # both halves see each signal
    kind = SIGNALS[half % len(SIGNALS)]
    if odd:
        return Plan(WRITE, kind, rng.randint(1, MOMENTS))
    if half % STARTS == STARTS - 1:
        return Plan(START, kind, rng.uniform(0, usual.start))
    left = 1 - rows / (usual.rows + 1)  # there is still the picture to be drawn
    return Plan(TRAINING, kind, rng.uniform(0, left * usual.rest))


def kill_sweeps(
    count: int, seed: int, place: Path, say: Callable[[str], None] = lambda text: None
) -> Report:
    """Kill sweeps `count` times, in new folders of `place`."""
    report, rng, started = Report(), random.Random(seed), time.monotonic()
    # what a shell starts in the background ignores Ctrl-C, and so would all that is started here
    signal.signal(signal.SIGINT, signal.default_int_handler)
    usual = [undisturbed(place / name, options) for name, options in VARIETIES.items()]
    with victims() as sweep_and_die:
        while len(report.kills) < count:
            report.sweeps += 1
            folder, one = place / f"sweep-{report.sweeps}", usual[report.sweeps % len(usual)]
            for kill, faults in kill_one(folder, one, sweep_and_die, rng, len(report.kills), count):
                report.kills += [kill] if kill else []
                here = f"sweep {report.sweeps}, kill {len(report.kills)}"
                report.faults += [f"{here}: {fault}" for fault in faults]
                say("\n".join([f"{here}: {kill or 'done'}", *faults]))
    report.seconds = time.monotonic() - started
    return report


def kill_one(
    folder: Path, usual: Usual, sweep_and_die: Sweep, rng: random.Random, number: int, count: int
) -> Iterator[tuple[dict[str, object] | None, list[str]]]:
    """Kill one sweep again and again until it is done all the same, or the kills are `count`.

    Yields each kill with its faults, and `None` with those of the sweep that is done.
    """
    while True:
        before = rows_of(folder, without=["weights"])
        plan = draw(number, rng, usual, len(before))
        if number == count:
            plan, ending = None, sweep(folder, usual.options)
        elif plan.when == WRITE:
            ending = sweep_and_die(folder, usual.options, plan)
        else:
            ending = sweep(folder, usual.options, plan)
        if plan is None or ending.is_done or not ending.moment:
            yield None, faults_at_the_end(folder, usual, plan, ending)
            return
        number += 1
        rows = len(rows_of(folder))
        yield report_of(plan, ending, len(before), rows), faults_after(folder, before, plan, ending)


def faults_at_the_end(folder: Path, usual: Usual, plan: Plan | None, ending: Ending) -> list[str]:
    """What is wrong with a sweep that ended by itself."""
    if ending.code and not (ending.is_done and ending.moment):
        return [f"it ended by itself with {ending.code}: {ending.words}"]
    faults = differences(folder, usual.files)
    more = len(rows_of(folder)) - ending.rows  # since the signal was sent
    if ending.moment and (plan is None or plan.when == WRITE or more > FLEET):
        faults.append(f"it did not mind the signal {ending.moment}: {ending.words}")
    return faults


def faults_after(folder: Path, before: Mapping[str, str], plan: Plan, ending: Ending) -> list[str]:
    """What a kill did harm to; `before` holds the rows without their weights."""
    recorded = re.findall(r"^(\d+) runs? recorded", ending.words, re.MULTILINE)
    faults = damages(folder, before, int(recorded[-1]) if recorded else 0)
    expected = -plan.signal if plan.signal == signal.SIGKILL else INTERRUPTED
    if plan.when == START:  # Python itself answers
        return faults
    if ending.code != expected:
        faults.append(f"exit code {ending.code}, not {expected}: {ending.words}")
    if "Traceback" in ending.words or "ignored in" in ending.words:
        faults.append(f"a traceback: {ending.words}")
    if expected == INTERRUPTED and "the same command goes on" not in ending.words:
        faults.append(f"not a word: {ending.words}")
    return faults


def report_of(plan: Plan, ending: Ending, before: int, after: int) -> dict[str, object]:
    """A kill as it is reported; rows are those before its process began, and those it left."""
    return {
        "when": plan.when,
        "signal": plan.signal.name,
        "moment": ending.moment,
        "exit_code": ending.code,
        "rows": [before, after],
    }


def in_words(report: Report) -> str:
    """How many kills of each kind there were, and what they did harm to."""
    counts = Counter((kill["when"], kill["signal"]) for kill in report.kills)
    names = [one.name for one in SIGNALS]
    whens = (TRAINING, WRITE, START)
    rows = [[when, *(str(counts[when, name]) for name in names)] for when in whens]
    pace = report.seconds / max(len(report.kills), 1)
    count = f"{len(report.kills)} kills of {report.sweeps} sweeps, {pace:.1f} s each."
    faults = "\n".join(report.faults) or "Nothing was lost."
    return f"{table(('kills', *names), rows)}\n\n{count} {faults}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("count", type=int, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, default=Path("kills.json"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.json.resolve().parent) as place:
        report = kill_sweeps(
            given.count, given.seed, Path(place), lambda text: print(text, file=sys.stderr)
        )
    command = f"python -m benchmarks.robustness.kills {given.count} --seed {given.seed}"
    publish(given.json, in_words(report), asdict(report), command)
    sys.exit(1 if report.faults else 0)


if __name__ == "__main__":
    main()
