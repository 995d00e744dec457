"""Sweeps that kill themselves in the midst of a write, at a moment that can be counted.

    python -m benchmarks.robustness.victim

Serves `benchmarks.robustness.kills`: a line of JSON on stdin asks for a sweep, a line on stdout
says how it ended.
Each sweep is a fork of this process, which has imported everything, so that it begins at once.
Fleets are long here however short they are: each is written down after every epoch.
"""

import importlib
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from paretoprune.study.storage import atomic as files

# What a sweep would import in its course.
IMPORTS = (
    "cli",
    "runner.setup",
    "runner.sweep",
    "analysis.choice",
    "report.plots",
    "report.terminal.sweep",
    "study.storage",
)


class Moment:
    """When this process sends itself a signal: a write has six moments, counted from 1."""

    def __init__(self) -> None:
        self.left, self.signal, self.note = 0, 0, Path()

    def arm(self, left: int, number: int, note: Path) -> None:
        """Kill at the moment number `left`, and write down at which into `note`."""
        self.left, self.signal, self.note = left, number, note

    def pass_by(self, name: str, path: Path, before: Callable[[], object] | None = None) -> bool:
        """Count a moment; whether it was the last. SIGKILL does not return."""
        self.left -= 1
        if self.left == 0:
            if before:
                before()
            self.note.write_text(f"{name} {path.parent.name}/{path.name}")
            os.kill(os.getpid(), self.signal)
        return self.left == 0


MOMENT = Moment()
write_aside, flush = files.write_aside, files.flush


def staged_write(path: Path, write: Callable[[Path], object]) -> None:
    """`write_aside`, with moments before and in the midst of what it writes."""

    def staged(aside: Path) -> None:
        MOMENT.pass_by("before", path)
        write(aside)
        if MOMENT.pass_by("in half of", path, lambda: os.truncate(aside, halved(aside))):
            write(aside)  # where the signal is put off

    write_aside(path, staged)


def halved(path: Path) -> int:
    return path.stat().st_size // 2


def staged_flush(path: Path, flags: int) -> None:
    """`flush`, with moments before and after: of a file before its rename, of its folder after."""
    what = "names in" if path.is_dir() else "flush of"
    MOMENT.pass_by(f"before {what}", path)
    flush(path, flags)
    MOMENT.pass_by(f"after {what}", path)


def prepare() -> None:
    """Put the moments into every write; others import `write_aside` by its name, so before them."""
    files.write_aside, files.flush = staged_write, staged_flush
    for name in IMPORTS:
        importlib.import_module(f"paretoprune.{name}")
    with suppress(ModuleNotFoundError):
        checkpointer = importlib.import_module("paretoprune.runner.checkpointing")
        checkpointer.LONG, checkpointer.SHARE = 0.0, float("inf")


def run(order: Mapping[str, Any]) -> None:
    """Sweep in this process, until it ends or kills itself."""
    from paretoprune.__main__ import main

    for stream, place in ((1, order["answer"]), (2, order["words"])):
        os.dup2(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    MOMENT.arm(order["moment"], order["signal"], Path(order["note"]))
    signal.alarm(order["patience"])  # whoever hangs dies of it
    main(order["arguments"])


def serve() -> None:
    """Fork a sweep for each order, and say its exit code."""
    prepare()
    while line := sys.stdin.readline():
        child = os.fork()
        if child == 0:
            run(json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    serve()
