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
from paretoprune.report.terminal.compare import sentences
from paretoprune.report.terminal.json_events import JsonView
from paretoprune.report.terminal.live_view import SweepView
from paretoprune.report.terminal.tables import points_table
from paretoprune.report.wording import closing, next_commands
from paretoprune.runner.events import EventHandler, Summary
from paretoprune.study.storage import PICTURE
from paretoprune.training.methods import label_of


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
    """Yield the front with its knee and the comparison with other methods, or these alone."""
    if snapshot.points.empty:
        return
    compared = snapshot.networks[snapshot.networks["role"] == "comparison"]
    measured = snapshot.plan.measured
    if not snapshot.has_search:
        yield compared_table(compared, measured.quality)
        return
    knee = find_knee(snapshot)
    title = "The front (validation data)"
    yield points_table(knee.front, knee.network, title, metric=measured.quality)
    if knee.network is None:
        yield f"no knee: {knee.reason}"
    hypervolume = hypervolume_of(snapshot.networks, measured.validation_images, measured.quality)
    yield f"hypervolume {hypervolume:.3f} ({measured.quality} and nonzeros, validation data)"
    if len(compared) and len(knee.front):
        yield from sentences(compare([snapshot], label_of=label_of))
    elif len(compared):
        yield compared_table(compared, measured.quality)


def compared_table(networks: pd.DataFrame, metric: str) -> Table:
    """Return a table of the networks of methods without a λ, for a study without a front."""
    labels = " and ".join(label_of(name) for name in networks["method"].unique())
    return points_table(in_order(networks), None, f"{labels} (validation data)", metric=metric)
