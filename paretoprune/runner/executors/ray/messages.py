"""Messages and checkpoints that fleets on other machines send to the study."""

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
    """The messages since the last reading.

    Attributes:
        begun: Number and host of each fleet that began.
        steps: Last report of each fleet by number: steps that are done, total number of steps.
        notes: Sentences for the user.
    """

    begun: list[tuple[int, str]] = field(default_factory=list)
    steps: dict[int, tuple[int, int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class EventActor:
    """Actor that collects the messages of fleets.

    It runs on the coordinator's node, where the study's folder is, and writes the checkpoints of
    fleets. The coordinator writes everything else.
    """

    def __init__(self) -> None:
        self.messages = Messages()

    def begin(self, number: int, host: str) -> None:
        """Record that a fleet begins, for the first time or again."""
        self.messages.begun.append((number, host))

    def step(self, number: int, step: int, steps: int) -> None:
        """Record the progress of a fleet."""
        self.messages.steps[number] = step, steps

    def note(self, text: str) -> None:
        """Record a sentence for the user."""
        self.messages.notes.append(text)

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
        messages, self.messages = self.messages, Messages()
        return messages


class EventSender:
    """Sender of a fleet's messages to the `EventActor`; it is sent to the worker with the fleet.

    Args:
        actor: Handle of the actor.
        number: Number of the fleet.
    """

    def __init__(self, actor: Any, number: int) -> None:
        self.actor, self.number, self.last = actor, number, -EVERY

    def __call__(self, step: int, steps: int) -> None:
        """Report progress, at most once per `EVERY` seconds and after the last step.

        It does not wait for an answer.
        """
        now = time.monotonic()
        if step == steps or now - self.last >= EVERY:
            self.last = now
            self.actor.step.remote(self.number, step, steps)

    def begin(self, host: str) -> None:
        """Report the host on which the fleet begins."""
        self.last = -EVERY  # so that the first step is reported, by this machine's clock
        self.actor.begin.remote(self.number, host)

    def note(self, event: Event) -> None:
        """Send a note; other events are dropped."""
        if isinstance(event, Note):
            self.actor.note.remote(event.text)

    def read(self, folder: Path, run_ids: Sequence[str]) -> tuple[Tensors, Facts] | None:
        """Read the fleet's checkpoint through the actor; return `None` if there is none.

        Raises what `read_checkpoint` raises.
        """
        found: tuple[Tensors, Facts] | None = answer_of(self.actor.read.remote(folder, run_ids))
        if found is None:
            return None
        # Ray's arrays are read-only views of the object store, and optimizers write to theirs
        tensors, facts = found
        return {name: array.copy() for name, array in tensors.items()}, facts

    def write(self, folder: Path, run_ids: Sequence[str], tensors: Tensors, facts: Facts) -> None:
        """Write the fleet's checkpoint through the actor, and wait until it is written.

        Raises what `write_checkpoint` raises.
        """
        answer_of(self.actor.write.remote(folder, run_ids, tensors, facts))


def answer_of(call: Any) -> Any:
    """Return the result of a remote call, or raise the exception that it raised."""
    try:
        return ray.get(call)
    except RayTaskError as error:
        raise error.cause from error
