"""Confirmation of a choice: its network is trained for the full epochs."""

import math
from dataclasses import dataclass, replace

import pandas as pd

from paretoprune.analysis.choice import Choice
from paretoprune.analysis.pareto import AXES
from paretoprune.analysis.snapshot import StudySnapshot
from paretoprune.errors import UsageError
from paretoprune.problem.build import Environment
from paretoprune.problem.device import training_process
from paretoprune.runner.events import EventHandler, Note
from paretoprune.runner.executors.executor import Executor
from paretoprune.runner.executors.local import LocalExecutor
from paretoprune.runner.jobs import JobPool
from paretoprune.runner.loop import raise_of, record
from paretoprune.runner.request import with_initial
from paretoprune.runner.rounds import Round
from paretoprune.runner.runs import run_template
from paretoprune.runner.setup import require_same_data
from paretoprune.study import storage
from paretoprune.study.run import Run
from paretoprune.study.settings import MANY, Settings
from paretoprune.study.validation import require
from paretoprune.training.prepare import prepare

FULL = 3  # times the sweep's epochs, as in the paper: searches train for a third


@dataclass(frozen=True)
class Confirmation:
    """The row of the longer training, and the rows of the front that dominate it."""

    row: pd.Series
    beaten_by: pd.DataFrame

    @property
    def is_done(self) -> bool:
        """Whether it was trained to its end."""
        return bool(self.row["status"] == "done")

    @property
    def is_nondominated(self) -> bool:
        """Whether no network of the study is better, in validation loss and complexity."""
        return self.is_done and not self.row["collapsed"] and self.beaten_by.empty


def confirm(
    snapshot: StudySnapshot,
    choice: Choice,
    environment: Environment,
    watch: EventHandler,
    epochs: int | None = None,
    executor: Executor | None = None,
) -> Confirmation:
    """Train the chosen network's lam and seed for the full epochs, as a row of its own role.

    `epochs` are three times the sweep's unless given.
    What was trained to its end before is not trained again. Raises `UsageError` where nothing was
    chosen.
    """
    if choice.network is None:
        raise UsageError(f"there is nothing to confirm, no knee: {choice.reason}")
    run = confirming_run(snapshot.plan.settings, choice.row(choice.network), epochs)
    with training_process(), storage.locked(snapshot.folder):
        points = storage.read(snapshot.folder)
        done = points[points["status"] == "done"]
        if run.id not in set(done["run_id"]):
            train_alone(snapshot, run, environment, watch, executor or LocalExecutor())
    points = storage.read(snapshot.folder)
    row = points[points["run_id"] == run.id].iloc[0]
    return Confirmation(row=row, beaten_by=beaten_by(snapshot, row))


def confirming_run(settings: Settings, network: pd.Series, epochs: int | None) -> Run:
    """The run of the chosen network, but for its epochs."""
    epochs = FULL * settings.epochs if epochs is None else epochs
    require(1 <= epochs <= MANY, "--epochs", epochs, f"from 1 to {MANY}")
    require(epochs != settings.epochs, "--epochs", epochs, "other than the sweep's own")
    return replace(
        run_template(settings), lam=float(network["lam"]), seed=int(network["seed"]), epochs=epochs
    )


def train_alone(
    snapshot: StudySnapshot,
    run: Run,
    environment: Environment,
    watch: EventHandler,
    executor: Executor,
) -> None:
    """Train and record one run."""
    folder, plan = snapshot.folder, snapshot.plan
    environment = with_initial(environment, plan.settings)
    prepared = prepare(plan.settings, environment, is_stacked=plan.measured.is_stacked)
    require_same_data(folder, plan, prepared.problem)
    watch(Note(text=f"λ = {run.lam:.3g}, seed {run.seed}, for {run.epochs} epochs"))
    last = int(snapshot.points["round"].max())
    round_ = Round(number=last, runs=(run,), role="confirmation")
    with JobPool(folder, prepared, executor, watch, math.inf, total=1) as fleets:
        fleets.submit(round_)
        results = fleets.wait()
        raise_of(results)
        record(folder, plan, results)
    storage.forget_checkpoints(folder, {run.id})


def beaten_by(snapshot: StudySnapshot, row: pd.Series) -> pd.DataFrame:
    """The networks of the front that dominate a row; none where it is nondominated."""
    front = snapshot.front
    loss, cost = (front[name] - float(row[name]) for name in AXES)
    is_better: pd.Series = (loss <= 0) & (cost <= 0) & ((loss < 0) | (cost < 0))
    return front[is_better]
