"""Incomplete files that a killed process left in a study; the next process removes them."""

from pathlib import Path

from paretoprune.study.storage.atomic import PARTIAL, remove
from paretoprune.study.storage.paths import PLAN, TABLE, path_in_study

PARTS = ("weights", "history", "logs", "checkpoints")


def remove_leftovers(folder: Path) -> None:
    """Delete files that were not written completely; the caller must hold the study's lock."""
    for name in (PLAN, TABLE):
        remove(folder / f"{name}{PARTIAL}")
    for part in PARTS:
        for path in path_in_study(folder, part).glob(f"*{PARTIAL}"):
            remove(path)
