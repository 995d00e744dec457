"""What fleets on other machines tell the study, and what it keeps of them."""

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
class Mail:
    """What came in since the last time, by the numbers of the fleets."""

    begun: list[tuple[int, str]] = field(default_factory=list)  # with the host's name
    steps: dict[int, tuple[int, int]] = field(default_factory=dict)  # the last: done, in all
    notes: list[str] = field(default_factory=list)


class Mailbox:
    """An actor on the coordinator's node, so that the study's folder is at hand.

    It writes the checkpoints of fleets for the coordinator, who writes all else.
    """

    def __init__(self) -> None:
        self.mail = Mail()

    def begin(self, number: int, host: str) -> None:
        """A fleet begins, perhaps not for the first time."""
        self.mail.begun.append((number, host))

    def step(self, number: int, step: int, steps: int) -> None:
        """A fleet has come so far."""
        self.mail.steps[number] = step, steps

    def note(self, text: str) -> None:
        """A sentence for the user."""
        self.mail.notes.append(text)

    def read(self, folder: Path, run_ids: Sequence[str]) -> tuple[Tensors, Facts] | None:
        """What was kept of a fleet."""
        return read_checkpoint(folder, run_ids)

    def write(
        self, folder: Path, run_ids: Sequence[str], tensors: Tensors, facts: Mapping[str, str]
    ) -> None:
        """Keep a fleet."""
        write_checkpoint(folder, run_ids, tensors, facts)

    def empty(self) -> Mail:
        """Hand over what came in."""
        mail, self.mail = self.mail, Mail()
        return mail


class Post:
    """A fleet's way to the mailbox; it travels with the fleet."""

    def __init__(self, mailbox: Any, number: int) -> None:
        self.mailbox, self.number, self.last = mailbox, number, -EVERY

    def __call__(self, step: int, steps: int) -> None:
        """Report, now and then; nobody waits for an answer."""
        now = time.monotonic()
        if step == steps or now - self.last >= EVERY:
            self.last = now
            self.mailbox.step.remote(self.number, step, steps)

    def begin(self, host: str) -> None:
        """Say where the fleet is."""
        self.last = -EVERY  # this machine's clock counts
        self.mailbox.begin.remote(self.number, host)

    def note(self, event: Event) -> None:
        """Pass on a sentence."""
        if isinstance(event, Note):
            self.mailbox.note.remote(event.text)

    def read(self, folder: Path, run_ids: Sequence[str]) -> tuple[Tensors, Facts] | None:
        """What was kept of the fleet; raises what reading raises."""
        kept: tuple[Tensors, Facts] | None = answer_of(self.mailbox.read.remote(folder, run_ids))
        if kept is None:
            return None
        tensors, facts = kept  # Ray's arrays lie in the object store, and an optimizer writes
        return {name: array.copy() for name, array in tensors.items()}, facts

    def write(self, folder: Path, run_ids: Sequence[str], tensors: Tensors, facts: Facts) -> None:
        """Have the fleet kept, and wait until it is; raises what writing raises."""
        answer_of(self.mailbox.write.remote(folder, run_ids, tensors, facts))


def answer_of(call: Any) -> Any:
    """Wait for a call; raise what it raised, as if it had been made here."""
    try:
        return ray.get(call)
    except RayTaskError as error:
        raise error.cause from error
