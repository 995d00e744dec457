"""Checkpoint policy: when to save a fleet that is still training, and when to end it there.

A short fleet is not saved, because training it again after an interruption costs less.
The state itself is taken and restored by `training/checkpoint.py`.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from paretoprune.errors import CouldNotError
from paretoprune.runner.events import EventHandler, Note
from paretoprune.runner.executors.executor import TimeIsUp
from paretoprune.study.run import Run
from paretoprune.study.storage.checkpoints import Facts, read_checkpoint, unfit, write_checkpoint
from paretoprune.training.checkpoint import Checkpoint, State

LONG = 300.0  # seconds; a fleet that takes longer is saved after each epoch
SHARE = 0.05  # of the training time that saving may take; otherwise some epochs are not saved
SECONDS, STARTED_AT = "seconds", "started_at"

Read = Callable[[Path, Sequence[str]], tuple[State, Facts] | None]
Write = Callable[[Path, Sequence[str], State, Facts], None]


@dataclass
class CheckpointPolicy:
    """Checkpoint policy of one fleet of a study; it satisfies the protocol `Checkpointer`.

    Attributes:
        folder: The folder of the study.
        fleet: The runs of the fleet.
        watch: Receives notes for the user.
        deadline: End of the time budget by `time.time`, a clock that all machines share. No epoch
            begins that would end after it.
        read: Reads from the study's folder, wherever the fleet is trained.
        write: Writes to the study's folder, wherever the fleet is trained.
        long: Duration in seconds above which a fleet is saved.
        saved_at: Time of the last checkpoint by `time.monotonic`.
        cost: Seconds that the last checkpoint took.
    """

    folder: Path
    fleet: Sequence[Run]
    watch: EventHandler
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

    def load(self) -> Checkpoint | None:
        """Return the fleet's checkpoint, and tell the user; return `None` if there is none.

        Raises:
            CorruptStudyError: If the checkpoint cannot be read.
        """
        self.saved_at = time.monotonic()  # by this machine's clock
        found = self.read(self.folder, self.ids)
        if found is None:
            return None
        state, facts = found
        try:
            checkpoint = checkpoint_of(state, facts)
        except (KeyError, ValueError) as error:
            raise self.refuse(error) from error
        self.watch(Note(text=f"going on with a fleet of {len(self.ids)} that was interrupted"))
        return checkpoint

    def save(
        self, epochs: int, seconds: float, started_at: str, state: Callable[[], State]
    ) -> None:
        """Save the fleet if it is long, after an epoch.

        Epochs are skipped while saving takes more than `SHARE` of the time since the last
        checkpoint. If the checkpoint cannot be written, the user is told and training continues.

        Args:
            epochs: Number of epochs that are done.
            seconds: Seconds of training so far.
            started_at: Time at which the fleet began, in ISO format.
            state: Returns the state; it is called only if the fleet is saved.

        Raises:
            TimeIsUp: If the next epoch would end after the deadline; the fleet is saved first.
        """
        pace, now = seconds / epochs, time.monotonic()
        if pace * self.fleet[0].epochs <= self.long:
            return
        is_last = time.time() + pace > self.deadline
        if not is_last and self.cost > SHARE * (now - self.saved_at):
            return
        facts = {SECONDS: repr(seconds), STARTED_AT: started_at}
        try:
            self.write(self.folder, self.ids, state(), facts)
        except CouldNotError as error:  # training continues without a checkpoint
            self.watch(Note(text=str(error)))
            return
        self.saved_at = time.monotonic()
        self.cost = self.saved_at - now
        if is_last:
            raise TimeIsUp

    def refuse(self, error: Exception) -> Exception:
        """Return the error to raise if the checkpoint does not fit the fleet."""
        return unfit(self.folder, self.ids, error)


def checkpoint_of(state: State, facts: Mapping[str, str]) -> Checkpoint:
    """Return a `Checkpoint` of a state and the facts stored with it.

    Raises:
        KeyError: If a fact is missing.
        ValueError: If a fact is malformed, or the seconds are negative or not finite.
    """
    seconds, started_at = float(facts[SECONDS]), datetime.fromisoformat(facts[STARTED_AT])
    if not 0 <= seconds < math.inf:
        raise ValueError(f"it took {seconds} seconds")
    return Checkpoint(state, seconds, started_at.isoformat())
