"""What does a sweep print when it has ended? The front, how it ended, what could be next."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pandas as pd
from rich.table import Table

from paretoprune.analysis.choice import Reading, find_knee, read_study
from paretoprune.analysis.comparison.compare import compare
from paretoprune.analysis.pareto import hypervolume_of
from paretoprune.report.documents import in_order
from paretoprune.report.terminal import out
from paretoprune.report.terminal.compare import smgd_lines
from paretoprune.report.terminal.json_events import JsonView
from paretoprune.report.terminal.live_view import SweepView
from paretoprune.report.terminal.tables import points_table
from paretoprune.runner.events import closing, onward
from paretoprune.study.run import SMGD
from paretoprune.study.storage import PICTURE

if TYPE_CHECKING:
    from paretoprune.runner.setup import Request


def show_sweep(request: "Request", place: Sequence[str], *, is_json: bool = False) -> int:
    """Run a sweep, draw and print what came out; return the number of unsuccessful runs.

    `place` are the options that the command that goes on needs too; with `is_json` a program reads
    the events.
    """
    from paretoprune.report.plots import draw_studies  # here, so that the other commands are quick
    from paretoprune.runner.sweep import sweep as run_sweep

    with JsonView() if is_json else SweepView() as view:
        summary = run_sweep(request, view)
    reading = read_study(summary.folder)
    picture = summary.folder / PICTURE
    for part in what_came_out(reading):
        out.print(part)
    out.print(closing(summary))
    if len(reading.points):
        draw_studies([reading], picture)
        out.print(f"Picture: {picture}", soft_wrap=True)
    out.print("Next:", *onward(summary, place), sep="\n  ", soft_wrap=True)
    return summary.unsuccessful


def what_came_out(reading: Reading) -> Iterator[Table | str]:
    """The front with its knee, and how SMGD stands beside it; or SMGD's networks alone."""
    if reading.points.empty:
        return
    smgd = reading.networks[reading.networks["role"] == "comparison"]
    measured = reading.plan.measured
    if reading.plan.settings.method == SMGD:
        yield smgd_table(smgd, measured.quality)
        return
    knee = find_knee(reading)
    title = "The front (validation data)"
    yield points_table(knee.front, knee.network, title, quality=measured.quality)
    if knee.network is None:
        yield f"no knee: {knee.reason}"
    covered = hypervolume_of(reading.networks, measured.validation_images, measured.quality)
    yield f"hypervolume {covered:.3f} ({measured.quality} and nonzeros, validation data)"
    if len(smgd) and len(knee.front):
        yield from smgd_lines(compare([reading]))
    elif len(smgd):
        yield smgd_table(smgd, measured.quality)


def smgd_table(smgd: pd.DataFrame, quality: str) -> Table:
    """SMGD's networks, where no front stands beside them."""
    return points_table(in_order(smgd), None, "SMGD (validation data)", quality=quality)
