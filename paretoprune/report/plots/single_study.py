"""Check for kinds of figures that show one study on validation data."""

from collections.abc import Sequence

from paretoprune.analysis.snapshot import Reading
from paretoprune.errors import UsageError


def only_study(readings: Sequence[Reading], split: str, kind: str) -> Reading:
    """Return the only study; raise `UsageError` for several studies or for another split."""
    if len(readings) != 1:
        raise UsageError(f"--kind {kind} draws one study, not {len(readings)}: name one study")
    if split != "validation":
        raise UsageError(
            f"--kind {kind} knows no values on {split} data: leave out --split {split}, or take "
            "--kind front"
        )
    return readings[0]
