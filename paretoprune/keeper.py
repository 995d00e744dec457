"""When is a fleet in the midst of its training written down, and when does it end there?

A short fleet is trained again after an interruption, which costs less than to write it down.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from paretoprune.errors import CouldNotError
from paretoprune.progress import Note, Watch
from paretoprune.resume import Begun, State
from paretoprune.run import Run
from paretoprune.store.checkpoint import read_checkpoint, unfit, write_checkpoint

LONG = 300.0  # seconds: a fleet that will take longer is written down after each epoch
SHARE = 0.05  # of the training's time, that writing may take: else some epochs are left out
SECONDS, STARTED_AT = "seconds", "started_at"


class TimeIsUp(Exception):
    """The time budget ends before another epoch of a fleet would; what was trained is kept."""


class FleetKeeper:
    """Keeps the state of one fleet of a study; a `Keeper`."""

    def __init__(self, folder: Path, fleet: Sequence[Run], watch: Watch, deadline: float) -> None:
        """`deadline` is a time of `time.monotonic`; past it no further epoch begins."""
        self.folder, self.watch, self.deadline = folder, watch, deadline
        self.ids, self.epochs = [run.id for run in fleet], fleet[0].epochs
        self.saved_at, self.cost = time.monotonic(), 0.0

    def load(self) -> Begun | None:
        """What was kept of this fleet, said to the user."""
        found = read_checkpoint(self.folder, self.ids)
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
        if pace * self.epochs <= LONG:
            return
        is_last = now + pace > self.deadline
        if not is_last and self.cost > SHARE * (now - self.saved_at):
            return
        facts = {SECONDS: repr(seconds), STARTED_AT: started_at}
        try:
            write_checkpoint(self.folder, self.ids, state(), facts)
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
