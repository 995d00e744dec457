"""Live view of a sweep: a progress bar with the front so far, or plain lines."""

import math
import time
from types import TracebackType
from typing import Self

from rich.console import Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from paretoprune.analysis.aggregate import choosable, over_seeds
from paretoprune.analysis.pareto import pareto
from paretoprune.report.terminal import err
from paretoprune.report.terminal.tables import points_table
from paretoprune.report.wording import duration
from paretoprune.runner.events import SWEPT, Event, Note, Recorded, plural
from paretoprune.runner.events import Progress as Step
from paretoprune.study.metric import ACCURACY
from paretoprune.study.plan import Plan
from paretoprune.study.settings import Settings
from paretoprune.training.methods import METHODS, label_of

ESTIMATE_AFTER = 20  # steps; the first ones are slower than the rest
PLAIN_SECONDS = 20  # between two lines if stderr is no terminal
BEST_POINTS = 8  # of the front, shown during the sweep


class SweepView:
    """Event handler that shows a sweep while it goes on."""

    def __init__(self) -> None:
        self.estimated, self.quality = False, ACCURACY
        self.steps_seen = 0  # of this process; a resumed fleet does not begin with its first step
        self.is_silent = False
        self.last_line = time.monotonic()
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("runs, {task.fields[left]} left"),
            console=err,
            expand=True,
        )
        self.task = self.progress.add_task("starting", total=None, left="?")
        self.live = Live(self.progress, console=err, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        if err.is_terminal:
            self.live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.live.stop()

    def __call__(self, event: Event) -> None:
        if self.is_silent:
            return
        try:
            self.show(event)
        except (OSError, ValueError):  # a full disk or a closed pipe must not end the training
            self.is_silent = True

    def show(self, event: Event) -> None:
        """Show an event; a `Summary` is not shown here."""
        if isinstance(event, Plan):
            self.quality = event.measured.quality
            err.print(headline(event), soft_wrap=not err.is_terminal)
        elif isinstance(event, Note):
            err.print(event.text, soft_wrap=True)
        elif isinstance(event, Step):
            self.step(event)
        elif isinstance(event, Recorded):
            self.recorded(event)

    def step(self, event: Step) -> None:
        """Move the bar, or print a line from time to time; print the first estimate once."""
        now = time.monotonic()
        self.steps_seen += 1
        is_known = math.isfinite(event.seconds_left)
        if is_known and not self.estimated and self.steps_seen >= min(ESTIMATE_AFTER, event.steps):
            self.estimated = True
            err.print(f"{duration(event.seconds_left)} or so in all")
        if err.is_terminal:
            self.progress.update(
                self.task,
                description=cluster_in_words(event) if event.nodes else fleet_in_words(event),
                completed=int(event.runs_done),
                total=event.runs_total,
                left=duration(event.seconds_left),
            )
        elif now - self.last_line > PLAIN_SECONDS:
            self.last_line, self.estimated = now, True
            done = f"{event.runs_done:.1f} of {event.runs_total} runs"
            where = f"; {cluster_in_words(event)}" if event.nodes else ""
            err.print(f"{done}, {duration(event.seconds_left)} or so left{where}")

    def recorded(self, event: Recorded) -> None:
        """Show points of the front so far, or print their number if stderr is no terminal."""
        points = over_seeds(event.points, event.columns)
        front = pareto(choosable(points))
        if err.is_terminal:
            shown = front.iloc[:: math.ceil(max(len(front), 1) / BEST_POINTS)]
            self.live.update(
                Group(
                    self.progress,
                    points_table(shown, None, "The front so far", metric=self.quality),
                )
            )
        else:
            self.last_line = time.monotonic()
            recorded = f"{plural(event.points['role'].isin(SWEPT).sum(), 'run')} recorded"
            has_search = (event.points["role"] == "search").any()
            on_front = f", {plural(len(front), 'point')} on the front" if has_search else ""
            err.print(f"{recorded}{on_front}")


def fleet_in_words(event: Step) -> str:
    """Describe the fleet that is training."""
    lams = sorted(lam for lam in event.lams if lam is not None)
    epoch = f"epoch {math.ceil(event.step * event.epochs / event.steps)}/{event.epochs}"
    if not lams:
        return f"{label_of(event.method)}: fleet of {len(event.lams)}, {epoch}"
    ends = dict.fromkeys((next((lam for lam in lams if lam > 0), 0.0), lams[-1]))
    span = " to ".join(f"{lam:.1e}" for lam in ends)
    return f"round {event.round + 1}: fleet of {len(lams)}, λ {span}, {epoch}"


def cluster_in_words(event: Step) -> str:
    """Describe the fleets on a cluster and their speed."""
    waiting = f" and {event.waiting} waiting" if event.waiting else ""
    fleets = f"{plural(event.fleets, 'fleet')}{waiting} on {plural(event.nodes, 'node')}"
    return f"{fleets}, {event.runs_an_hour:.3g} runs/h"


def headline(plan: Plan) -> str:
    """Describe in one line what a sweep trains."""
    settings, measured = plan.settings, plan.measured
    search = f"search {settings.search}, {settings.epochs} epochs a run"
    studied = METHODS[settings.method]
    label = f"{studied.label}: " if settings.method != Settings().method else ""
    parts = [label + search] if studied.has_lam else []
    for method in METHODS.values():
        if runs := method.runs(plan):
            parts.append(f"{plural(len(runs), 'run')} of {method.label}, {runs[0].epochs} epochs")
    return (
        f"{settings.model} on {settings.dataset}, {measured.prunable_weights:,} prunable "
        f"weights ({settings.prunable}), λ_ref {measured.lam_ref:.2g}; {', then '.join(parts)}"
    )
