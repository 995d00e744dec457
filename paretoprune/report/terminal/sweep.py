"""Printed output of `sweep`: the front, how the sweep ended, and the commands to type next."""

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
from paretoprune.report.wording import closing, next_commands
from paretoprune.runner.events import EventHandler, Summary
from paretoprune.study.run import SMGD
from paretoprune.study.storage import PICTURE


def sweep_view(*, is_json: bool) -> AbstractContextManager[EventHandler]:
    """Return the event handler that shows a running sweep: as lines of JSON, or as a live view."""
    return JsonView() if is_json else SweepView()


def show_sweep(summary: Summary, place: Sequence[str]) -> None:
    """Print the results of a sweep, and draw its front into a file.

    `place` holds the options that say where a sweep is trained, such as `--device`.
    """
    from paretoprune.report.plots import draw_studies  # here, so that other commands are quick

    snapshot = load_study(summary.folder)
    picture = summary.folder / PICTURE
    for part in sweep_results(snapshot):
        out.print(part)
    out.print(closing(summary))
    if len(snapshot.points):
        draw_studies([snapshot], picture)
        out.print(f"Picture: {picture}", soft_wrap=True)
    out.print("Next:", *next_commands(summary, place), sep="\n  ", soft_wrap=True)


def sweep_results(snapshot: StudySnapshot) -> Iterator[Table | str]:
    """Yield the front with its knee and the comparison with SMGD, or SMGD's networks alone."""
    if snapshot.points.empty:
        return
    smgd = snapshot.networks[snapshot.networks["role"] == "comparison"]
    measured = snapshot.plan.measured
    if snapshot.plan.settings.method == SMGD:
        yield smgd_table(smgd, measured.quality)
        return
    knee = find_knee(snapshot)
    title = "The front (validation data)"
    yield points_table(knee.front, knee.network, title, metric=measured.quality)
    if knee.network is None:
        yield f"no knee: {knee.reason}"
    hypervolume = hypervolume_of(snapshot.networks, measured.validation_images, measured.quality)
    yield f"hypervolume {hypervolume:.3f} ({measured.quality} and nonzeros, validation data)"
    if len(smgd) and len(knee.front):
        yield from smgd_lines(compare([snapshot]))
    elif len(smgd):
        yield smgd_table(smgd, measured.quality)


def smgd_table(smgd: pd.DataFrame, metric: str) -> Table:
    """Return a table of SMGD's networks, for a study without a front."""
    return points_table(in_order(smgd), None, "SMGD (validation data)", metric=metric)
