"""Loop of a sweep: propose runs, submit fleets and record outcomes until nothing is left."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd
import torch

from paretoprune.problem.device import free_memory
from paretoprune.runner.asynchronous import next_runs
from paretoprune.runner.events import SWEPT, EventHandler, Note, Recorded
from paretoprune.runner.executors.executor import Executor
from paretoprune.runner.jobs import JobPool, JobResult
from paretoprune.runner.request import SweepRequest
from paretoprune.runner.retention import weights_to_delete
from paretoprune.runner.rounds import Round, lams_of, next_round
from paretoprune.runner.runs import comparison_runs, fleets_of
from paretoprune.study import storage
from paretoprune.study.run import SMGD, Run
from paretoprune.study.settings import Plan

# Of the places of a cluster, so many fleets wait for one with --async, at least one: they begin at
# once where others end.
AHEAD = 0.1


@dataclass
class Loop:
    """A sweep under way: `waiting` rounds are proposed and not yet handed over to the executor.

    `again` holds the ids of runs that are in the table and to be trained once more, `points` the
    table so far, `said` the notes on outcomes that the user has read.
    """

    folder: Path
    plan: Plan
    request: SweepRequest
    executor: Executor
    fleets: JobPool
    watch: EventHandler
    again: set[str]
    points: pd.DataFrame
    waiting: list[Round] = field(default_factory=list)
    said: set[str] = field(default_factory=set)
    ending: str = ""
    is_first: bool = True

    def run(self) -> str:
        """Go on until nothing is left to train; return how it ended, one of `ENDINGS`."""
        points = storage.forget_weights(self.folder, self.points, ())  # left by others
        self.points = keep(self.folder, self.plan, points, self.again)
        with self.fleets:
            while self.ending != "failed":
                if not (self.waiting or self.ending):
                    self.ask()
                self.submit()
                if not self.fleets.jobs:
                    return self.ending or ending_of(self.points, self.plan)
                results = self.fleets.wait()
                self.tell(results)
                raise_of(results)
        return self.ending

    def ask(self) -> None:
        """Ask what comes next: a round where the last one is complete, or one fleet more."""
        slots, pending = self.executor.slots, self.fleets.runs
        if self.request.is_async:
            ahead = max(1, round(AHEAD * slots))
            missing = slots + ahead - len(self.fleets.jobs)
            if pending and 2 * missing < ahead:  # asked seldom, where there are many
                return
            wanted = missing * self.plan.fleet_size
            round_ = next_runs(self.points, self.plan, pending, wanted, self.again)
        elif pending:
            return
        else:
            round_ = next_round(self.points, self.plan, self.again, slots)
        if round_ is None:
            return
        count = self.fleets_in(round_)
        waves = math.ceil((count + len(self.fleets.jobs)) / max(slots, 1))
        seconds = predicted(self.points, round_) * waves / count
        if not self.is_first and time.time() + seconds > self.fleets.deadline:
            self.ending = "time"
            return
        self.is_first, self.waiting = False, [round_]
        self.fleets.done = finished(self.points, self.again)
        self.fleets.total = expected_runs(self.points, round_, self.plan, pending)

    def fleets_in(self, round_: Round) -> int:
        """Into how many fleets a round is cut."""
        return len(list(fleets_of(round_.runs, self.plan.fleet_size)))

    def submit(self) -> None:
        """Hand over as many fleets as the executor wants at once."""
        while self.waiting and len(self.fleets.jobs) < self.executor.at_once:
            round_ = self.waiting.pop(0)
            runs, *_ = fleets_of(round_.runs, self.plan.fleet_size)
            if rest := round_.runs[len(runs) :]:
                self.waiting.insert(0, replace(round_, runs=rest))
            self.fleets.submit(replace(round_, runs=runs))

    def tell(self, results: Sequence[JobResult]) -> None:
        """Record fleets, or do what else they need."""
        for one in results:
            if one.status == "kept":
                self.ending = "kept"
            elif one.status == "full":
                self.halve(one.fleet)
        if self.ending:
            self.waiting = []
        trained = [one for one in results if one.status == "trained"]
        if not trained:
            return
        points = record(self.folder, self.plan, trained)
        self.tell_notes(trained)
        runs = {run.id for one in trained for run in one.fleet.runs}
        self.again -= runs
        self.fleets.done += len(runs)
        self.points = keep(self.folder, self.plan, points, self.again)
        self.watch(Recorded(points=self.points))
        if self.request.is_fail_fast and not all(one.is_successful for one in trained):
            self.ending = "failed"

    def tell_notes(self, results: Sequence[JobResult]) -> None:
        """Tell what is missing in outcomes, each reason once."""
        for outcome in (outcome for one in results for outcome in one.outcomes):
            for note in set(outcome.notes) - self.said:
                self.said.add(note)
                self.watch(Note(text=f"run {outcome.point.run.id}: {note}"))

    def halve(self, fleet: Round) -> None:
        """Let a fleet for which memory is too small wait, to be cut again."""
        size = len(fleet.runs)
        if size <= self.plan.fleet_size:  # else another one has said so
            self.plan = with_smaller_fleets(self.folder, self.plan, size, self.watch)
        first, *rest = self.waiting or [replace(fleet, runs=())]
        if (first.number, first.role) != (fleet.number, fleet.role):
            first, rest = replace(fleet, runs=()), self.waiting
        self.waiting = [replace(fleet, runs=(*fleet.runs, *first.runs)), *rest]


def raise_of(results: Sequence[JobResult]) -> None:
    """Raise what ends the sweep, if anything does."""
    for one in results:
        if one.error is not None:
            raise one.error


def finished(points: pd.DataFrame, again: set[str]) -> int:
    """Number of a sweep's runs that are not to be trained (again)."""
    return int((points["role"].isin(SWEPT) & ~points["run_id"].isin(again)).sum())


def with_smaller_fleets(folder: Path, plan: Plan, size: int, watch: EventHandler) -> Plan:
    """Halve the fleets of a study whose memory was too small for `size` networks."""
    half = size // 2
    watch(Note(text=f"memory is too small for a fleet of {size}: going on with {half}"))
    free_memory()
    plan = replace(plan, measured=replace(plan.measured, largest_fleet=half))
    storage.write_plan(folder, plan)
    return plan


def ending_of(points: pd.DataFrame, plan: Plan) -> str:
    """How a study ended that has nothing left to be trained."""
    if plan.settings.method == SMGD:
        return "compared"
    return "budget" if lams_of(points) >= plan.budget.max_runs else "done"


def expected_runs(
    points: pd.DataFrame, round_: Round, plan: Plan, pending: Sequence[Run] = ()
) -> int:
    """How many runs a study will have, if its search goes on to the end of its budget."""
    budget, searched = plan.budget, int((points["role"] == "search").sum())
    searching = [run for run in (*pending, *round_.runs) if run.method != SMGD]
    if searching and round_.role in SWEPT:
        searched = max(budget.max_runs * budget.repeats, searched + len(searching))
    compared = set(points.loc[points["role"] == "comparison", "run_id"])
    return searched + len(compared | {run.id for run in comparison_runs(plan)})


def keep(folder: Path, plan: Plan, points: pd.DataFrame, again: set[str]) -> pd.DataFrame:
    """Delete checkpoints and weights that need not be kept; return the table.

    Runs that are trained `again` stand in it, and may have come some way.
    """
    budget = plan.budget
    storage.forget_checkpoints(folder, set(points["run_id"]) - again)
    size = storage.weights_bytes(folder, points)
    gone = weights_to_delete(points, budget.keep_weights, size, budget.repeats)
    return storage.forget_weights(folder, points, gone) if gone else points


def predicted(points: pd.DataFrame, round_: Round) -> float:
    """Seconds that a round will take, from the study's own runs, one fleet after another."""
    own = points[points["role"].isin(SWEPT)]
    epochs = sum(run.epochs for run in round_.runs)
    return float((own["seconds"] / own["epochs"]).mean()) * epochs


def record(folder: Path, plan: Plan, results: Sequence[JobResult]) -> pd.DataFrame:
    """Hand the outcomes of fleets to the store, all at once; return the table."""
    outcomes = [outcome for one in results for outcome in one.outcomes]
    return storage.record(
        folder,
        rows=[row for one in results for row in rows_of(one, plan)],
        weights={o.point.run.id: o.weights for o in outcomes if o.weights},
        histories={o.point.run.id: o.history for o in outcomes if o.history},
        logs={run_id: log for one in results for run_id, log in one.logs.items()},
    )


def rows_of(results: JobResult, plan: Plan) -> list[dict[str, object]]:
    """The rows of a fleet."""
    study = {
        "round": results.fleet.number,
        "role": results.fleet.role,
        "search": None if results.fleet.role == "comparison" else plan.settings.search,
        "torch_version": torch.__version__,
    }
    return [{**outcome.point.row(), **study} for outcome in results.outcomes]
