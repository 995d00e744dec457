"""Confirmation of a choice: the chosen network is trained again for more epochs."""

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
from paretoprune.runner.setup import known_plan, require_same_data
from paretoprune.study import storage
from paretoprune.study.column import MANY
from paretoprune.study.options import require
from paretoprune.study.run import Run
from paretoprune.study.settings import Settings
from paretoprune.training.methods import METHODS
from paretoprune.training.prepare import prepare

FULL = 3  # multiple of the sweep's epochs, as in the paper, whose searches train for a third


@dataclass(frozen=True)
class Confirmation:
    """Result of a confirmation.

    Attributes:
        row: The row of the confirming run in the table of points.
        beaten_by: The rows of the study's front that dominate it.
    """

    row: pd.Series
    beaten_by: pd.DataFrame

    @property
    def is_done(self) -> bool:
        """Whether the confirming run was trained to its end."""
        return bool(self.row["status"] == "done")

    @property
    def is_nondominated(self) -> bool:
        """Whether the confirming run is done, not collapsed and dominated by no network.

        The objectives are the validation loss and the complexity.
        """
        return self.is_done and not self.row["collapsed"] and self.beaten_by.empty


def confirm(
    snapshot: StudySnapshot,
    choice: Choice,
    environment: Environment,
    watch: EventHandler,
    epochs: int | None = None,
    executor: Executor | None = None,
) -> Confirmation:
    """Train the λ and the seed of the chosen network for more epochs, and record the run.

    The run has the role `confirmation`. If it is already in the table with the status `done`, it is
    not trained again.

    Args:
        snapshot: The study.
        choice: The choice of a network on the study's front.
        environment: What the machine or the program adds to the settings.
        watch: Receives events for the user.
        epochs: Epochs of the run; `None` for three times those of the sweep.
        executor: Trains the run; `None` for this process.

    Raises:
        UsageError: If no network was chosen, the epochs are out of range or equal to the sweep's,
            or the data, the model or the initial weights have changed.
        BusyStudyError: If another process is working on the study.
        CorruptStudyError: If the study has a method or an option that this version lacks.
    """
    if choice.network is None:
        raise UsageError(f"there is nothing to confirm, no knee: {choice.reason}")
    plan = known_plan(snapshot.folder, snapshot.plan)
    method = METHODS[plan.settings.method]
    if not method.has_lam:
        raise UsageError(
            f"--confirm trains a λ for more epochs, and --method {method.name} has none: begin "
            "another study with more --epochs"
        )
    snapshot = replace(snapshot, plan=plan)
    run = confirming_run(plan.settings, choice.row(choice.network), epochs)
    with training_process(), storage.locked(snapshot.folder):
        points = storage.read(snapshot.folder, snapshot.plan.columns)
        done = points[points["status"] == "done"]
        if run.id not in set(done["run_id"]):
            train_alone(snapshot, run, environment, watch, executor or LocalExecutor())
    points = storage.read(snapshot.folder, snapshot.plan.columns)
    row = points[points["run_id"] == run.id].iloc[0]
    return Confirmation(row=row, beaten_by=beaten_by(snapshot, row))


def confirming_run(settings: Settings, network: pd.Series, epochs: int | None) -> Run:
    """Return the run of the chosen network, with other epochs."""
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
    """Train and record one run in the role `confirmation`."""
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
    """Return the rows of the front that dominate `row` in validation loss and complexity."""
    front = snapshot.front
    loss, cost = (front[name] - float(row[name]) for name in AXES)
    is_better: pd.Series = (loss <= 0) & (cost <= 0) & ((loss < 0) | (cost < 0))
    return front[is_better]
