"""Messages from fleets on other machines to the study, and their checkpoints."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayTaskError

from paretoprune.runner.events import Event, Note
from paretoprune.study.storage.checkpoints import Facts, Tensors, read_checkpoint, write_checkpoint

EVERY = 1.0  # seconds between two reports of a fleet


@dataclass
class Messages:
    """The messages since the last reading; fleets are identified by number.

    Attributes:
        begun: Number and host of each fleet that began.
        steps: The last report of each fleet: steps done, and steps in all.
        notes: Sentences for the user.
    """

    begun: list[tuple[int, str]] = field(default_factory=list)  # number, host
    steps: dict[int, tuple[int, int]] = field(default_factory=dict)  # steps done, steps in all
    notes: list[str] = field(default_factory=list)


class EventActor:
    """Actor that collects the messages of fleets.

    It runs on the coordinator's node, where the study's folder is, and writes the checkpoints of
    fleets. The coordinator writes everything else.
    """

    def __init__(self) -> None:
        self.mail = Messages()

    def begin(self, number: int, host: str) -> None:
        """Record that a fleet begins, perhaps not for the first time."""
        self.mail.begun.append((number, host))

    def step(self, number: int, step: int, steps: int) -> None:
        """Record the progress of a fleet."""
        self.mail.steps[number] = step, steps

    def note(self, text: str) -> None:
        """Record a sentence for the user."""
        self.mail.notes.append(text)

    def read(self, folder: Path, run_ids: Sequence[str]) -> tuple[Tensors, Facts] | None:
        """Read the checkpoint of a fleet, if there is one."""
        return read_checkpoint(folder, run_ids)

    def write(
        self, folder: Path, run_ids: Sequence[str], tensors: Tensors, facts: Mapping[str, str]
    ) -> None:
        """Write the checkpoint of a fleet."""
        write_checkpoint(folder, run_ids, tensors, facts)

    def empty(self) -> Messages:
        """Return the messages since the last call."""
        mail, self.mail = self.mail, Messages()
        return mail


class EventSender:
    """Sender of a fleet's messages to the mailbox; it travels with the fleet."""

    def __init__(self, actor: Any, number: int) -> None:
        self.actor, self.number, self.last = actor, number, -EVERY

    def __call__(self, step: int, steps: int) -> None:
        """Report progress about once a second, without waiting for an answer."""
        now = time.monotonic()
        if step == steps or now - self.last >= EVERY:
            self.last = now
            self.actor.step.remote(self.number, step, steps)

    def begin(self, host: str) -> None:
        """Report the host on which the fleet begins."""
        self.last = -EVERY  # by the clock of this machine
        self.actor.begin.remote(self.number, host)

    def note(self, event: Event) -> None:
        """Send a note; other events are dropped."""
        if isinstance(event, Note):
            self.actor.note.remote(event.text)

    def read(self, folder: Path, run_ids: Sequence[str]) -> tuple[Tensors, Facts] | None:
        """Read the fleet's checkpoint, if there is one; raise what reading raises."""
        kept: tuple[Tensors, Facts] | None = answer_of(self.actor.read.remote(folder, run_ids))
        if kept is None:
            return None
        tensors, facts = kept  # Ray's arrays lie in the object store; an optimizer writes
        return {name: array.copy() for name, array in tensors.items()}, facts

    def write(self, folder: Path, run_ids: Sequence[str], tensors: Tensors, facts: Facts) -> None:
        """Write the fleet's checkpoint, wait until it is written, and raise what writing raises."""
        answer_of(self.actor.write.remote(folder, run_ids, tensors, facts))


def answer_of(call: Any) -> Any:
    """Wait for a remote call, and raise what it raised as if it had been made here."""
    try:
        return ray.get(call)
    except RayTaskError as error:
        raise error.cause from error
