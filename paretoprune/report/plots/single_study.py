"""Check for kinds of figures that show one study on validation data."""

from collections.abc import Sequence

from paretoprune.analysis.snapshot import StudySnapshot
from paretoprune.errors import UsageError


def only_study(snapshots: Sequence[StudySnapshot], split: str, kind: str) -> StudySnapshot:
    """Return the only study; raise `UsageError` for several studies or for another split."""
    if len(snapshots) != 1:
        raise UsageError(f"--kind {kind} draws one study, not {len(snapshots)}: name one study")
    if split != "validation":
        raise UsageError(
            f"--kind {kind} knows no values on {split} data: leave out --split {split}, or take "
            "--kind front"
        )
    return snapshots[0]
