"""Documents for programs: the answers of `knee` and `show` as JSON and CSV."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from paretoprune.analysis.aggregate import variant_columns
from paretoprune.analysis.choice import Choice, find_knee
from paretoprune.analysis.comparison.compare import Comparison
from paretoprune.analysis.snapshot import StudySnapshot
from paretoprune.study.columns import COLUMNS

if TYPE_CHECKING:
    from paretoprune.runner.confirm import Confirmation


def choice_document(
    snapshot: StudySnapshot, choice: Choice, confirmation: "Confirmation | None" = None
) -> dict[str, Any]:
    """Return the document of `knee --json`; its networks are rows of the front, or null."""

    def row(label: int | None) -> Any:
        return None if label is None else to_jsonable(choice.row(label).to_dict())

    confirmed = None if confirmation is None else confirmation_document(confirmation)
    return {
        "study": str(snapshot.folder),
        "rule": choice.rule,
        "axes": list(choice.axes),
        "scale": choice.scale,
        "chosen_on": "validation",
        "reason": choice.reason,
        "network": row(choice.network),
        "denser": row(choice.denser),
        "sparser": row(choice.sparser),
        "confirmation": confirmed,
    }


def confirmation_document(confirmation: "Confirmation") -> dict[str, Any]:
    """Return the row of a confirmation, and the ids of the networks that dominate it."""
    return {
        **to_jsonable(confirmation.row.to_dict()),
        "nondominated": confirmation.is_nondominated,
        "dominated_by": confirmation.beaten_by["run_id"].tolist(),
    }


def points_document(snapshot: StudySnapshot, everything: bool) -> dict[str, Any]:
    """Return the document of `show --json`: the knee and the front (all runs if `everything`)."""
    knee = find_knee(snapshot).network
    return {
        "study": str(snapshot.folder),
        "knee": None if knee is None else str(snapshot.networks.at[knee, "run_id"]),
        "points": to_jsonable(_rows(snapshot, everything).to_dict(orient="records")),
    }


def points_csv(snapshot: StudySnapshot, everything: bool) -> str:
    """Return the text of `show --csv`: all columns, in their order, that hold one value each."""
    nested = [name for name, column in snapshot.plan.columns.items() if column.kind == "layers"]
    return str(_rows(snapshot, everything).drop(columns=nested).to_csv(index=False))


def _rows(snapshot: StudySnapshot, everything: bool) -> pd.DataFrame:
    """Return the rows to show: all runs if `everything`, otherwise the front."""
    return in_order(snapshot.points) if everything else find_knee(snapshot).front


def compare_document(comparison: Comparison, picture: Path) -> dict[str, Any]:
    """Return the document of `compare --json`; unknown values are null."""
    document = {"chosen_on": "validation", **asdict(comparison), "picture": str(picture)}
    return dict(to_jsonable(document))


def in_order(points: pd.DataFrame) -> pd.DataFrame:
    """Sort rows by λ, then by variant, then by seed."""
    return points.sort_values(["lam", *variant_columns(COLUMNS), "seed"])


def to_jsonable(value: Any) -> Any:
    """Convert a value for JSON.

    Arrays become lists, NumPy's numbers become Python's, and numbers that are not finite become
    null.
    """
    if isinstance(value, dict):
        return {name: to_jsonable(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [to_jsonable(inner) for inner in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
