"""Checkpoints of fleets that are still training; deleted when the fleet is recorded."""

import contextlib
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from paretoprune.errors import CorruptStudyError
from paretoprune.study.storage.atomic import first_line, remove, write_aside, write_bytes
from paretoprune.study.storage.paths import file_in_study, path_in_study

CHECKPOINTS, ENDING = "checkpoints", ".safetensors"
RUNS = "runs"  # key of the metadata that holds the ids of the fleet's runs, in order

Tensors = dict[str, np.ndarray]
Facts = dict[str, str]


def checkpoint_path(folder: Path, run_ids: Sequence[str]) -> Path:
    """Return the path of a fleet's checkpoint, which is named after its first run.

    `read_checkpoint` checks the ids of the other runs.
    """
    return path_in_study(folder, CHECKPOINTS, f"{run_ids[0]}{ENDING}")


def write_checkpoint(
    folder: Path, run_ids: Sequence[str], tensors: Tensors, facts: Mapping[str, str]
) -> None:
    """Write the checkpoint of a fleet, in place of an earlier one.

    Args:
        folder: The folder of the study.
        run_ids: Ids of the fleet's runs, in order.
        tensors: The state of the training, by name.
        facts: Metadata that are stored with the tensors.

    Raises:
        CouldNotError: The file cannot be written.
        CorruptStudyError: Its path leads out of the study.
    """
    path = file_in_study(folder, CHECKPOINTS, f"{run_ids[0]}{ENDING}")
    known = {**facts, RUNS: " ".join(run_ids)}
    write_aside(path, partial(write_bytes, save(tensors, metadata=known)))


def read_checkpoint(folder: Path, run_ids: Sequence[str]) -> tuple[Tensors, Facts] | None:
    """Read the tensors and metadata of a fleet's checkpoint.

    Returns `None` if there is no checkpoint, or if it belongs to another fleet. Raises
    `CorruptStudyError` if it cannot be read.
    """
    path = checkpoint_path(folder, run_ids)
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
    """Return the error for a checkpoint from which the fleet cannot resume."""
    return CorruptStudyError(
        f"{checkpoint_path(folder, run_ids)} cannot be read ({first_line(error)}): restore it, or "
        "remove it to train this fleet from its beginning"
    )


def forget_checkpoints(folder: Path, recorded: Collection[str]) -> None:
    """Delete the checkpoints of fleets whose first run is in `recorded`, the ids in the table."""
    subfolder = path_in_study(folder, CHECKPOINTS)
    for path in subfolder.glob(f"*{ENDING}"):
        if path.stem in recorded:
            remove(path)
    with contextlib.suppress(OSError):  # the folder still holds others, or does not exist
        subfolder.rmdir()
