"""What a user sees on a terminal: the live view of a sweep, tables, answers.

Answers go to stdout, progress to stderr; where stderr is no terminal, plain lines now and then.
"""

import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import pandas as pd
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from paretoprune.documents import choice_document, points_csv, points_document
from paretoprune.front import CHOSEN_ROLES, choosable, hypervolume_of, over_seeds, pareto
from paretoprune.progress import Event, Note, Recorded, closing, duration, onward, plural
from paretoprune.progress import Progress as Step
from paretoprune.reading import Choice, Reading, find_knee, read_study
from paretoprune.settings import Plan
from paretoprune.store import PICTURE

if TYPE_CHECKING:
    from paretoprune.confirm import Confirmation
    from paretoprune.study import Request


class ProgressConsole(Console):
    """On stderr; a broken pipe there is an error to be caught, not the end of the program."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


out = Console(highlight=False, markup=False)
err = ProgressConsole(stderr=True, highlight=False, markup=False)

ESTIMATE_AFTER = 20  # steps, of which the first are slower than the rest
PLAIN_SECONDS = 20  # between two lines where the output is no terminal
BEST_POINTS = 8  # of the front, shown while the sweep goes on


class SweepView:
    """Shows a sweep while it goes on; call it with what the study reports."""

    def __init__(self) -> None:
        self.estimated = False
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
        except (OSError, ValueError):  # a full log, a closed pipe: no reason to stop a training
            self.is_silent = True

    def show(self, event: Event) -> None:
        """Show what the study reports."""
        if isinstance(event, Plan):
            err.print(headline(event), soft_wrap=not err.is_terminal)
        elif isinstance(event, Note):
            err.print(event.text, soft_wrap=True)
        elif isinstance(event, Step):
            self.step(event)
        else:
            self.recorded(event)

    def step(self, event: Step) -> None:
        """Move the bar; say the estimate once, and a line now and then without a terminal."""
        now = time.monotonic()
        if not self.estimated and event.step >= min(ESTIMATE_AFTER, event.steps):
            self.estimated = True
            err.print(f"{duration(event.seconds_left)} or so in all")
        if err.is_terminal:
            epoch = math.ceil(event.step * event.epochs / event.steps)
            lams = sorted({lam for lam in event.lams if lam > 0} or {0.0})
            span = " to ".join(f"{lam:.1e}" for lam in dict.fromkeys((lams[0], lams[-1])))
            self.progress.update(
                self.task,
                description=f"round {event.round + 1}: fleet of {len(event.lams)}, λ {span}, "
                f"epoch {epoch}/{event.epochs}",
                completed=int(event.runs_done),
                total=event.runs_total,
                left=duration(event.seconds_left),
            )
        elif now - self.last_line > PLAIN_SECONDS:
            self.last_line, self.estimated = now, True
            done = f"{event.runs_done:.1f} of {event.runs_total} runs"
            err.print(f"{done}, {duration(event.seconds_left)} or so left")

    def recorded(self, event: Recorded) -> None:
        """Show the best points so far."""
        points = over_seeds(event.points)
        front = pareto(choosable(points))
        if err.is_terminal:
            some = front.iloc[:: math.ceil(max(len(front), 1) / BEST_POINTS)]
            self.live.update(Group(self.progress, points_table(some, None, "The front so far")))
        else:
            self.last_line = time.monotonic()
            recorded = plural((event.points["role"] == "search").sum(), "run")
            err.print(f"{recorded} recorded, {plural(len(front), 'point')} on the front")


def headline(plan: Plan) -> str:
    """One line that says what is about to be trained."""
    settings, measured = plan.settings, plan.measured
    return (
        f"{settings.model} on {settings.dataset}, {measured.prunable_weights:,} prunable "
        f"weights ({settings.prunable}), λ_ref {measured.lam_ref:.2g}; search {settings.search}, "
        f"{settings.epochs} epochs a run"
    )


def show_sweep(request: "Request", place: Sequence[str]) -> int:
    """Run a sweep, draw and print what came out; return the number of unsuccessful runs.

    `place` are the options that the command that goes on needs too.
    """
    from paretoprune.plot import draw_studies  # here, so that the other commands are quick
    from paretoprune.study import sweep as run_sweep

    with SweepView() as view:
        summary = run_sweep(request, view)
    reading = read_study(summary.folder)
    picture = summary.folder / PICTURE
    knee = find_knee(reading)
    out.print(points_table(knee.front, knee.network, "The front (validation data)"))
    if knee.network is None:
        out.print(f"no knee: {knee.reason}")
    covered = hypervolume_of(reading.networks, reading.plan.measured.validation_images)
    out.print(f"hypervolume {covered:.3f} (accuracy and nonzeros, validation data)")
    out.print(closing(summary))
    draw_studies([reading], picture)
    out.print(f"Picture: {picture}\nNext:", *onward(summary, place), sep="\n  ", soft_wrap=True)
    return summary.unsuccessful


def show_points(reading: Reading, *, everything: bool, form: str) -> None:
    """Print the front or all runs; `form` is `table`, `json` or `csv`."""
    if form == "json":
        print(json.dumps(points_document(reading, everything), indent=2, ensure_ascii=False))
    elif form == "csv":
        print(points_csv(reading, everything), end="")
    else:
        knee = find_knee(reading)
        rows = reading.points.sort_values(["lam", "seed"]) if everything else knee.front
        title = "All runs" if everything else "The front (chosen on validation data)"
        out.print(points_table(rows, knee.network, title))
        for _, row in reading.points[reading.points["failure"] != ""].iterrows():
            log = f", log in {reading.folder}/{row['log']}" if pd.notna(row["log"]) else ""
            failure = f"λ = {row['lam']:.3g}, seed {row['seed']}: {row['failure']}{log}"
            out.print(failure, soft_wrap=True)
        if not len(rows):
            out.print("no network yet that learnt anything")


def confirm_choice(
    reading: Reading, choice: Choice, epochs: int | None, device: str, data_dir: Path
) -> "Confirmation":
    """Train a choice for the full epochs, and show how far that is."""
    from paretoprune.confirm import Place, confirm  # here, so that the other commands are quick

    with SweepView() as view:
        place = Place(epochs=epochs, device=device, data_dir=data_dir)
        return confirm(reading, choice, place, view)


def show_choice(
    reading: Reading, choice: Choice, confirmation: "Confirmation | None", *, as_json: bool
) -> None:
    """Print a chosen network, and what the next step along the front costs either way."""
    if as_json:
        document = choice_document(reading, choice, confirmation)
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return
    if choice.network is None:
        out.print(f"no knee: {choice.reason} ({choice.rule} on {choice.place})", soft_wrap=True)
        return
    network = choice.front.loc[choice.network]
    alone = choice.front.loc[[choice.network]]
    out.print(points_table(alone, choice.network, f"{choice.rule} (validation data)", mark=""))
    out.print(f"{choice.reason}; on {choice.place}", soft_wrap=True)
    for word, label in (("denser", choice.denser), ("sparser", choice.sparser)):
        if label is None:
            out.print(f"next {word}: none, it is that end of the front")
        else:
            out.print(step_cost(f"next {word}", network, choice.front.loc[label]), soft_wrap=True)
    out.print(f"weights: {weights_place(reading, network)}", soft_wrap=True)
    if confirmation is not None:
        show_confirmation(reading, network, confirmation)


def weights_place(reading: Reading, network: pd.Series) -> str:
    """Where the weights of a network are, or why they are not."""
    if pd.isna(network["weights"]):
        return "not kept (see --keep-weights of sweep)"
    weights = reading.folder / str(network["weights"])
    return f"{weights}{'' if weights.is_file() else ' (missing)'}"


def show_confirmation(reading: Reading, network: pd.Series, confirmation: "Confirmation") -> None:
    """Print what the longer training brought, and whether the choice still holds."""
    row, points = confirmation.row, reading.points
    before = points[points["run_id"] == network["run_id"]].iloc[0]  # the same seed, not the mean
    epochs = f"{row['epochs']} epochs instead of {network['epochs']}"
    if not confirmation.is_done:
        out.print(f"not confirmed, {epochs}: {row['failure']}", soft_wrap=True)
        return
    out.print(points_table(row.to_frame().T, None, f"Confirmation: {epochs} (validation data)"))
    out.print(step_cost(f"they brought, for seed {row['seed']}", before, row), soft_wrap=True)
    if confirmation.is_nondominated:
        out.print("nondominated: no network of the study is better in loss and complexity")
    elif row["collapsed"]:
        out.print("collapsed: no better than a constant prediction")
    else:
        lams = ", ".join(f"{lam:.3g}" for lam in confirmation.beaten_by["lam"])
        out.print(f"dominated, in loss and complexity, by λ = {lams}", soft_wrap=True)
    out.print(f"weights: {weights_place(reading, row)}", soft_wrap=True)


def step_cost(what: str, here: pd.Series, there: pd.Series) -> str:
    """What changes on the way from one point of the front to the next."""
    nonzeros = there["nonzeros"] - here["nonzeros"]
    share = f" ({nonzeros / here['nonzeros']:+.0%})" if here["nonzeros"] else ""
    return (
        f"{what}: {nonzeros:+,.0f} nonzeros{share}, "
        f"loss {there['val_loss'] - here['val_loss']:+.4f}, "
        f"accuracy {100 * (here['val_error'] - there['val_error']):+.2f} points "
        f"(λ = {there['lam']:.3g})"
    )


def points_table(
    points: pd.DataFrame, marked: int | None, title: str, mark: str = "← knee"
) -> Table:
    """A line for each network; the marked one is bold."""
    column = "seeds" if "seeds" in points else "seed"  # a mean, or each run
    repeated = points[column].nunique() > 1 or points[column].max() > 1
    table = Table(
        title=title, title_justify="left", box=None, collapse_padding=True, pad_edge=False
    )
    heads = ("λ", "val. loss", "val. acc.", "test acc.", "nonzeros", "sparsity", "l1")
    for head in (*heads, *((column,) if repeated else ()), ""):
        table.add_column(head, justify="right", no_wrap=True)
    for label, row in points.iterrows():
        fate = "collapsed" if row["collapsed"] else str(row["status"]).replace("done", "")
        role = "" if row["role"] in CHOSEN_ROLES else f"{row['epochs']} epochs"
        table.add_row(
            f"{row['lam']:.3g}",
            f"{row['val_loss']:.4f}",
            f"{1 - row['val_error']:.2%}",
            f"{1 - row['test_error']:.2%}",
            f"{row['nonzeros']:,.0f}",
            f"{row['sparsity']:.2%}",
            f"{row['l1']:,.1f}",
            *((str(row[column]),) if repeated else ()),
            mark if label == marked else " ".join(filter(None, (fate, role))),
            style="bold" if label == marked else None,
        )
    return table
