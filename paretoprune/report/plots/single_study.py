"""Pictures of one study that depend on no other data than those of its validation."""

from collections.abc import Sequence

from paretoprune.analysis.choice import Reading
from paretoprune.errors import UsageError


def only_study(readings: Sequence[Reading], split: str, kind: str) -> Reading:
    """The one study that is to be drawn; raise `UsageError` for several or for another split."""
    if len(readings) != 1:
        raise UsageError(f"--kind {kind} draws one study, not {len(readings)}: name one study")
    if split != "validation":
        raise UsageError(
            f"--kind {kind} knows no values on {split} data: leave out --split {split}, or take "
            "--kind front"
        )
    return readings[0]
