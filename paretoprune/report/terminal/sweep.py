"""Print of `sweep`: the front, how the sweep ended, and what could be next."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager

import pandas as pd
from rich.table import Table

from paretoprune.analysis.choice import find_knee
from paretoprune.analysis.comparison.compare import compare
from paretoprune.analysis.indicators import hypervolume_of
from paretoprune.analysis.snapshot import StudySnapshot, load_study
from paretoprune.report.documents import in_order
from paretoprune.report.terminal import out
from paretoprune.report.terminal.compare import smgd_lines
from paretoprune.report.terminal.json_events import JsonView
from paretoprune.report.terminal.live_view import SweepView
from paretoprune.report.terminal.tables import points_table
from paretoprune.report.wording import closing, onward
from paretoprune.runner.events import EventHandler, Summary
from paretoprune.study.run import SMGD
from paretoprune.study.storage import PICTURE


def sweep_view(*, is_json: bool) -> AbstractContextManager[EventHandler]:
    """Return a view of a sweep while it goes on: for people, or for programs as lines of JSON."""
    return JsonView() if is_json else SweepView()


def show_sweep(summary: Summary, place: Sequence[str]) -> None:
    """Draw and print what came out of a sweep.

    `place` are the options that the command which continues it needs on this machine.
    """
    from paretoprune.report.plots import draw_studies  # here, so that other commands are quick

    snapshot = load_study(summary.folder)
    picture = summary.folder / PICTURE
    for part in what_came_out(snapshot):
        out.print(part)
    out.print(closing(summary))
    if len(snapshot.points):
        draw_studies([snapshot], picture)
        out.print(f"Picture: {picture}", soft_wrap=True)
    out.print("Next:", *onward(summary, place), sep="\n  ", soft_wrap=True)


def what_came_out(snapshot: StudySnapshot) -> Iterator[Table | str]:
    """The front with its knee, and how SMGD stands beside it; or SMGD's networks alone."""
    if snapshot.points.empty:
        return
    smgd = snapshot.networks[snapshot.networks["role"] == "comparison"]
    measured = snapshot.plan.measured
    if snapshot.plan.settings.method == SMGD:
        yield smgd_table(smgd, measured.quality)
        return
    knee = find_knee(snapshot)
    title = "The front (validation data)"
    yield points_table(knee.front, knee.network, title, quality=measured.quality)
    if knee.network is None:
        yield f"no knee: {knee.reason}"
    covered = hypervolume_of(snapshot.networks, measured.validation_images, measured.quality)
    yield f"hypervolume {covered:.3f} ({measured.quality} and nonzeros, validation data)"
    if len(smgd) and len(knee.front):
        yield from smgd_lines(compare([snapshot]))
    elif len(smgd):
        yield smgd_table(smgd, measured.quality)


def smgd_table(smgd: pd.DataFrame, quality: str) -> Table:
    """SMGD's networks, where no front stands beside them."""
    return points_table(in_order(smgd), None, "SMGD (validation data)", quality=quality)
