"""What does a killed process leave in a study, and who removes it? The next that works there."""

from pathlib import Path

from paretoprune.study.storage.atomic import PARTIAL, remove
from paretoprune.study.storage.paths import PLAN, TABLE, own

PARTS = ("weights", "history", "logs", "checkpoints")


def remove_leftovers(folder: Path) -> None:
    """Delete what was begun to be written; only for who has locked the study."""
    for name in (PLAN, TABLE):
        remove(folder / f"{name}{PARTIAL}")
    for part in PARTS:
        for path in own(folder, part).glob(f"*{PARTIAL}"):
            remove(path)
