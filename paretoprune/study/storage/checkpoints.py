"""A fleet in the midst of its training, on disk; it goes when the fleet is recorded."""

import contextlib
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from paretoprune.errors import CorruptStudyError
from paretoprune.study.storage.atomic import first_line, remove, write_aside, write_bytes
from paretoprune.study.storage.paths import own, own_in

CHECKPOINTS, ENDING = "checkpoints", ".safetensors"
RUNS = "runs"  # among the facts: the ids of the fleet, in order

Tensors = dict[str, np.ndarray]
Facts = dict[str, str]


def place_of(folder: Path, run_ids: Sequence[str]) -> Path:
    """A fleet is found by its first run; the others are checked when it is read."""
    return own(folder, CHECKPOINTS, f"{run_ids[0]}{ENDING}")


def write_checkpoint(
    folder: Path, run_ids: Sequence[str], tensors: Tensors, facts: Mapping[str, str]
) -> None:
    """Write a fleet in the place of what was written of it before."""
    path = own_in(folder, CHECKPOINTS, f"{run_ids[0]}{ENDING}")
    known = {**facts, RUNS: " ".join(run_ids)}
    write_aside(path, partial(write_bytes, save(tensors, metadata=known)))


def read_checkpoint(folder: Path, run_ids: Sequence[str]) -> tuple[Tensors, Facts] | None:
    """What was written of a fleet; `None` without a checkpoint, and for one of another fleet.

    Raises `CorruptStudyError` for one that cannot be read.
    """
    path = place_of(folder, run_ids)
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="numpy") as file:
            facts = file.metadata() or {}
            if facts.get(RUNS) != " ".join(run_ids):
                return None
            names = file.keys()
            return {name: file.get_tensor(name) for name in names}, facts
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        raise unfit(folder, run_ids, error) from error


def unfit(folder: Path, run_ids: Sequence[str], error: Exception) -> CorruptStudyError:
    """What to say about a checkpoint from which the fleet cannot go on."""
    return CorruptStudyError(
        f"{place_of(folder, run_ids)} cannot be read ({first_line(error)}): restore it, or remove "
        "it to train this fleet from its beginning"
    )


def forget_checkpoints(folder: Path, recorded: Collection[str]) -> None:
    """Delete the checkpoints of runs that stand in the table."""
    place = own(folder, CHECKPOINTS)
    for path in place.glob(f"*{ENDING}"):
        if path.stem in recorded:
            remove(path)
    with contextlib.suppress(OSError):  # others are left, or there was none
        place.rmdir()
