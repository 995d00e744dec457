"""Events of a sweep as lines of JSON on stderr, for programs."""

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import pandas as pd

from paretoprune.analysis.aggregate import choosable, over_seeds
from paretoprune.analysis.pareto import pareto
from paretoprune.report.documents import to_jsonable
from paretoprune.runner.events import SWEPT, Event, Note, Recorded, Summary
from paretoprune.study.column import Column
from paretoprune.study.plan import Plan, tables_of

EVERY = 1.0  # seconds between two reports of progress


class JsonView:
    """Event handler that writes events as lines of JSON, with progress once a second at most."""

    def __init__(self) -> None:
        self.last, self.is_silent = -EVERY, False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self.write("broken off", text=str(error) or "interrupted")

    def __call__(self, event: Event) -> None:
        if isinstance(event, Plan):
            self.write("plan", **tables_of(event))
        elif isinstance(event, Note):
            self.write("note", text=event.text)
        elif isinstance(event, Recorded):
            self.write("recorded", **counts(event.points, event.columns))
        elif isinstance(event, Summary):
            facts = {"study": str(event.folder), "ending": event.ending, "seconds": event.seconds}
            self.write("ended", **facts, **counts(event.points, event.columns))
        elif time.monotonic() - self.last >= EVERY:
            self.last = time.monotonic()
            self.write("progress", **asdict(event))

    def write(self, event: str, **facts: Any) -> None:
        """Write an event as a line.

        If that fails, for instance because the pipe is closed, no more lines are written and the
        training goes on.
        """
        if self.is_silent:
            return
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"event": event, "at": at, **to_jsonable(facts)}, ensure_ascii=False)
        try:
            print(line, file=sys.stderr, flush=True)
        except (OSError, ValueError):
            self.is_silent = True


def counts(points: pd.DataFrame, columns: Mapping[str, Column]) -> dict[str, int]:
    """Count the runs of a sweep, the unsuccessful ones, and the points on the front."""
    points = points[points["role"].isin(SWEPT)]
    return {
        "runs": len(points),
        "unsuccessful": int(points["status"].isin(["failed", "diverged"]).sum()),
        "on_front": len(pareto(choosable(over_seeds(points, columns)))),
    }
