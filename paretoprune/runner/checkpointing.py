"""When is a fleet in the midst of its training written down, and when does it end there?

A short fleet is trained again after an interruption, which costs less than to write it down.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from paretoprune.errors import CouldNotError
from paretoprune.runner.events import Note, Watch
from paretoprune.runner.executors.executor import TimeIsUp
from paretoprune.study.run import Run
from paretoprune.study.storage.checkpoints import Facts, read_checkpoint, unfit, write_checkpoint
from paretoprune.training.checkpoint import Begun, State

LONG = 300.0  # seconds: a fleet that will take longer is written down after each epoch
SHARE = 0.05  # of the training's time, that writing may take: else some epochs are left out
SECONDS, STARTED_AT = "seconds", "started_at"

Read = Callable[[Path, Sequence[str]], tuple[State, Facts] | None]
Write = Callable[[Path, Sequence[str], State, Facts], None]


@dataclass
class FleetKeeper:
    """Keeps the state of one fleet of a study; a `Keeper`.

    `deadline` is a time of `time.time`, which all machines share; past it no further epoch begins.
    `read` and `write` reach the study's folder, from wherever the fleet is trained.
    """

    folder: Path
    fleet: Sequence[Run]
    watch: Watch
    deadline: float
    read: Read = read_checkpoint
    write: Write = write_checkpoint
    long: float = field(default_factory=lambda: LONG)
    saved_at: float = field(default_factory=time.monotonic)
    cost: float = 0.0

    @property
    def ids(self) -> list[str]:
        """The ids of the fleet's runs, in order."""
        return [run.id for run in self.fleet]

    def load(self) -> Begun | None:
        """What was kept of this fleet, said to the user."""
        self.saved_at = time.monotonic()  # this machine's
        found = self.read(self.folder, self.ids)
        if found is None:
            return None
        state, facts = found
        try:
            begun = begun_of(state, facts)
        except (KeyError, ValueError) as error:
            raise self.refuse(error) from error
        self.watch(Note(text=f"going on with a fleet of {len(self.ids)} that was interrupted"))
        return begun

    def save(
        self, epochs: int, seconds: float, started_at: str, state: Callable[[], State]
    ) -> None:
        """Write down a long fleet; raise `TimeIsUp` where another epoch would last too long."""
        pace, now = seconds / epochs, time.monotonic()
        if pace * self.fleet[0].epochs <= self.long:
            return
        is_last = time.time() + pace > self.deadline
        if not is_last and self.cost > SHARE * (now - self.saved_at):
            return
        facts = {SECONDS: repr(seconds), STARTED_AT: started_at}
        try:
            self.write(self.folder, self.ids, state(), facts)
        except CouldNotError as error:  # the training goes on, and so does the study if it can
            self.watch(Note(text=str(error)))
            return
        self.saved_at = time.monotonic()
        self.cost = self.saved_at - now
        if is_last:
            raise TimeIsUp

    def refuse(self, error: Exception) -> Exception:
        """What to raise where what was kept does not fit."""
        return unfit(self.folder, self.ids, error)


def begun_of(state: State, facts: Mapping[str, str]) -> Begun:
    """A state with its facts; raise `KeyError` or `ValueError` for what no table may hold."""
    seconds, started_at = float(facts[SECONDS]), datetime.fromisoformat(facts[STARTED_AT])
    if not 0 <= seconds < math.inf:
        raise ValueError(f"it took {seconds} seconds")
    return Begun(state, seconds, started_at.isoformat())
