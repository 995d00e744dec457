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
from paretoprune.runner.retention import keep, without_lost_weights
from paretoprune.runner.rounds import Round, lams_of, next_round
from paretoprune.runner.runs import (
    comparison_runs,
    fleets_of,
    has_search,
    needed_parents,
    trunk_runs,
)
from paretoprune.study import storage
from paretoprune.study.plan import Plan
from paretoprune.study.run import Point, Run
from paretoprune.training.methods import option_columns
from paretoprune.training.outcome import Outcome

# With --async, the number of fleets that wait is this share of the executor's slots, but at least
# one. A waiting fleet begins as soon as another one ends.
AHEAD = 0.1


@dataclass
class Loop:
    """State of a sweep, and the loop that advances it.

    Attributes:
        folder: The folder of the study.
        plan: The plan of the study; its fleet size is halved when memory is full.
        request: What the user asks for.
        executor: Trains the fleets.
        fleets: The fleets that are submitted.
        watch: Receives the events of the sweep.
        again: Ids of the runs that are in the table and are to be trained again.
        points: The table of points so far.
        waiting: Rounds, or the rest of a round, that are proposed and not yet submitted.
        said: Notes on outcomes that the user has already received.
        ending: Why the sweep ends, one of `ENDINGS`; empty while it continues.
        is_first: Whether no round has been proposed in this call; the first one is never
            prevented by the time budget.
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
        """Train until nothing is left; return why the sweep ended, one of `ENDINGS`.

        Raises:
            CorruptStudyError: If a checkpoint cannot be read.
            ClusterError: If the cluster fails.
        """
        # files of a killed process
        points = storage.forget_weights(self.folder, self.points, (), self.plan.columns)
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
        """Propose the next runs, unless the budget of time is spent.

        They are a round if the last one is complete. With `--async`, they are enough runs for the
        free slots and for the fleets that wait.
        """
        slots, pending = self.executor.slots, self.fleets.runs
        round_ = self.proposed(slots, pending)
        while round_ is not None and round_.failure and not self.ending:
            self.fail(round_)
            round_ = self.proposed(slots, pending)
        if round_ is None or self.ending:
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

    def proposed(self, slots: int, pending: Sequence[Run]) -> Round | None:
        """Return the next runs, or `None` if there are none, or none that can be chosen yet."""
        points = self.with_weights_on_disk()
        if self.request.is_async:
            ahead = max(1, round(AHEAD * slots))
            missing = slots + ahead - len(self.fleets.jobs)
            if pending and 2 * missing < ahead:  # ask seldom if there are many slots
                return None
            wanted = missing * self.plan.fleet_size
            return next_runs(points, self.plan, pending, wanted, self.again)
        return None if pending else next_round(points, self.plan, self.again, slots)

    def with_weights_on_disk(self) -> pd.DataFrame:
        """Return the table, without the weights of trunks whose file was deleted by hand.

        Such a trunk is trained again if a run is to start from it.
        """
        points, lost = without_lost_weights(self.folder, self.points)
        if needed := sorted(needed_parents(points, self.plan) & lost):
            names = ", ".join(needed)
            self.tell_once(
                f"the weights of {names}, from which runs start, are gone: trained again"
            )
        return points

    def fail(self, fleet: Round) -> None:
        """Record runs that cannot be trained, with the reason."""
        points = [Point(run=run, status="failed", failure=fleet.failure) for run in fleet.runs]
        outcomes = [Outcome(point, {}, {}) for point in points]
        self.tell([JobResult(fleet, outcomes=outcomes)])

    def fleets_in(self, round_: Round) -> int:
        """Return the number of fleets into which a round is cut."""
        return len(list(fleets_of(round_.runs, self.plan.fleet_size)))

    def submit(self) -> None:
        """Submit waiting fleets, as many as the executor takes at once."""
        while self.waiting and len(self.fleets.jobs) < self.executor.at_once:
            round_ = self.waiting.pop(0)
            runs, *_ = fleets_of(round_.runs, self.plan.fleet_size)
            if rest := round_.runs[len(runs) :]:
                self.waiting.insert(0, replace(round_, runs=rest))
            self.fleets.submit(replace(round_, runs=runs))

    def tell(self, results: Sequence[JobResult]) -> None:
        """Record the fleets that were trained, and react to those that were not."""
        for result in results:
            if result.status == "kept":
                self.ending = "kept"
            elif result.status == "full":
                self.halve(result.fleet)
        if self.ending:
            self.waiting = []
        trained = [result for result in results if result.status == "trained"]
        if not trained:
            return
        points = record(self.folder, self.plan, trained)
        self.tell_notes(trained)
        run_ids = {run.id for result in trained for run in result.fleet.runs}
        self.again -= run_ids
        self.fleets.done += len(run_ids)
        self.points = keep(self.folder, self.plan, points, self.again)
        self.watch(Recorded(points=self.points, columns=self.plan.columns))
        if self.request.is_fail_fast and not all(result.is_successful for result in trained):
            self.ending = "failed"

    def tell_notes(self, results: Sequence[JobResult]) -> None:
        """Send the notes of outcomes to the user, each text once."""
        for outcome in (outcome for result in results for outcome in result.outcomes):
            for note in outcome.notes:
                self.tell_once(note, f"run {outcome.point.run.id}: ")

    def tell_once(self, text: str, prefix: str = "") -> None:
        """Send a note to the user, unless this call has already sent it."""
        if text not in self.said:
            self.said.add(text)
            self.watch(Note(text=prefix + text))

    def halve(self, fleet: Round) -> None:
        """Put a fleet for which memory is too small back among the waiting runs.

        The fleet size of the study is halved, unless another fleet has already caused this.
        """
        size = len(fleet.runs)
        if size <= self.plan.fleet_size:
            self.plan = with_smaller_fleets(self.folder, self.plan, size, self.watch)
        first, *rest = self.waiting or [replace(fleet, runs=())]
        if (first.number, first.role) != (fleet.number, fleet.role):
            first, rest = replace(fleet, runs=()), self.waiting
        self.waiting = [replace(fleet, runs=(*fleet.runs, *first.runs)), *rest]


def raise_of(results: Sequence[JobResult]) -> None:
    """Raise the error of the first result that has one."""
    for result in results:
        if result.error is not None:
            raise result.error


def finished(points: pd.DataFrame, again: set[str]) -> int:
    """Return the number of runs of the sweep that are in the table and not to be trained again."""
    return int((points["role"].isin(SWEPT) & ~points["run_id"].isin(again)).sum())


def with_smaller_fleets(folder: Path, plan: Plan, size: int, watch: EventHandler) -> Plan:
    """Halve the fleet size of a study after memory was too small for `size` networks.

    The new plan is stored and returned, and the user is told.
    """
    half = size // 2
    watch(Note(text=f"memory is too small for a fleet of {size}: going on with {half}"))
    free_memory()
    plan = replace(plan, measured=replace(plan.measured, largest_fleet=half))
    storage.write_plan(folder, plan)
    return plan


def ending_of(points: pd.DataFrame, plan: Plan) -> str:
    """Return why a study ended that has nothing left to train, one of `ENDINGS`."""
    if not has_search(plan):
        return "compared"
    return "budget" if lams_of(points) >= plan.budget.max_runs else "done"


def expected_runs(
    points: pd.DataFrame, round_: Round, plan: Plan, pending: Sequence[Run] = ()
) -> int:
    """Return the number of runs of a study whose search uses its whole budget.

    Args:
        points: The table of points.
        round_: The round that is trained next.
        plan: The plan of the study.
        pending: The runs in training.
    """
    budget, is_searched = plan.budget, (points["role"] == "search") & points["lam"].notna()
    searched = int(is_searched.sum())
    by_methods = {run.id for run in (*comparison_runs(plan), *trunk_runs(plan))}
    searching = [run for run in (*pending, *round_.runs) if run.id not in by_methods]
    if searching and round_.role in SWEPT:
        searched = max(budget.max_runs * budget.repeats, searched + len(searching))
    listed = set(points.loc[points["role"].isin(SWEPT) & ~is_searched, "run_id"])
    return searched + len(listed | by_methods)


def predicted(points: pd.DataFrame, round_: Round) -> float:
    """Return the seconds that a round will take if its fleets are trained one after another.

    The estimate is the mean duration of an epoch in the table; it is NaN if there are no runs.
    """
    swept = points[points["role"].isin(SWEPT)]
    epochs = sum(run.epochs for run in round_.runs)
    return float((swept["seconds"] / swept["epochs"]).mean()) * epochs


def record(folder: Path, plan: Plan, results: Sequence[JobResult]) -> pd.DataFrame:
    """Store the outcomes of fleets, all at once; return the table."""
    outcomes = [outcome for result in results for outcome in result.outcomes]
    return storage.record(
        folder,
        rows=[row for result in results for row in rows_of(result, plan)],
        weights={o.point.run.id: o.weights for o in outcomes if o.weights},
        histories={o.point.run.id: o.history for o in outcomes if o.history},
        logs={run_id: log for result in results for run_id, log in result.logs.items()},
        columns=plan.columns,
    )


def rows_of(result: JobResult, plan: Plan) -> list[dict[str, object]]:
    """Return the rows of a fleet for the table of points."""
    study = {
        "round": result.fleet.number,
        "role": result.fleet.role,
        "search": plan.settings.search if has_search(plan) and is_searched(result.fleet) else None,
        "torch_version": torch.__version__,
    }
    return [
        option_columns(outcome.point.run) | outcome.point.columns() | study
        for outcome in result.outcomes
    ]


def is_searched(fleet: Round) -> bool:
    """Return whether a search proposed the runs of a fleet, or they confirm one that it did."""
    return fleet.role in ("search", "confirmation")
