"""The loop of a study: propose a round, train its fleets, record them, until the budget ends."""

import math
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import torch

from paretoprune import store
from paretoprune.device import free_memory, is_full
from paretoprune.errors import CorruptStudyError, CouldNotError
from paretoprune.executor import Executor, LocalExecutor
from paretoprune.keeper import FleetKeeper, TimeIsUp
from paretoprune.keeping import superfluous
from paretoprune.opening import (
    Request,
    default_folder,
    open_study,
    require_apart,
    unless_overtaken,
    with_fleet_size,
)
from paretoprune.problem import Problem
from paretoprune.progress import SWEPT, Note, Progress, Recorded, Summary, Watch
from paretoprune.resume import Keeper
from paretoprune.rounds import (
    Round,
    comparison_runs,
    fleet_size,
    fleets_of,
    lams_of,
    next_round,
    propose,
)
from paretoprune.run import SMGD, Point, Run
from paretoprune.settings import Plan, Settings
from paretoprune.train import Outcome, train_fleet


def sweep(request: Request, watch: Watch, executor: Executor | None = None) -> Summary:
    """Begin or continue a study until its search is done or its budget is spent.

    Raises `UsageError` for wrong options, `CouldNotError` where no run could be trained.
    """
    executor, clock = executor or LocalExecutor(), time.monotonic()
    given = Settings.from_options(request.settings)
    folder = request.folder or default_folder(given)
    store.check_place(folder)
    require_apart(folder, given)
    plan, problem = open_study(folder, request)
    with store.locked(folder):
        plan = unless_overtaken(folder, request, plan)
        watch(plan)
        if not fleet_size(plan):
            watch(Note(text="timing fleets of 1, 2, 4, ... networks"))
            plan = with_fleet_size(plan, problem)
        store.write_plan(folder, plan)
        for note in (*problem.data.notes, way_of(plan, problem)):
            watch(Note(text=note))
        ending = train_rounds(folder, plan, problem, executor, watch, request)
    points = store.read(folder)
    if ending != "kept" and not (points["status"] == "done").any():
        reason = points["failure"].iloc[-1] if len(points) else "no run was proposed"
        logs = f"; see {folder}/logs" if points["log"].notna().any() else ""
        raise CouldNotError(f"no run could be trained to its end: {reason}{logs}")
    return Summary(
        folder=folder,
        points=points,
        intervals=() if plan.settings.method == SMGD else propose(points, plan).intervals,
        ending=ending,
        max_runs=plan.budget.max_runs,
        seconds=time.monotonic() - clock,
    )


def train_rounds(
    folder: Path,
    plan: Plan,
    problem: Problem,
    executor: Executor,
    watch: Watch,
    request: Request,
) -> str:
    """Train round after round; return how it ended, one of `ENDINGS`."""
    deadline, first = time.monotonic() + (request.time_budget or math.inf), True
    again = failed(store.read(folder)) if request.is_retry else set()
    while True:
        points = keep(folder, plan, again)
        round_ = next_round(points, plan, again)
        if round_ is None:
            return ending_of(points, plan)
        if not first and time.monotonic() + predicted(points, round_) > deadline:
            return "time"
        first, done = False, finished(points, again)
        total = expected_runs(points, round_, plan)
        for fleet in fleets_of(round_.runs, fleet_size(plan)):
            report = reporter(fleet, round_, done, total, watch)
            keeper = FleetKeeper(folder, fleet, watch, deadline)
            try:
                outcomes, logs = train(fleet, problem, executor, report, keeper)
            except TimeIsUp:
                return "kept"
            if not outcomes:
                plan = with_smaller_fleets(folder, plan, len(fleet), watch)
                break
            record(folder, plan, round_, outcomes, logs)
            done += len(fleet)
            again -= {run.id for run in fleet}
            points = keep(folder, plan, again)
            watch(Recorded(points=points))
            if request.is_fail_fast and any(o.point.status != "done" for o in outcomes):
                return "failed"


def failed(points: pd.DataFrame) -> set[str]:
    """The runs that an exception ended; one that diverged would do so again."""
    own = points[points["role"].isin(SWEPT) & (points["status"] == "failed")]
    return set(own["run_id"])


def finished(points: pd.DataFrame, again: set[str]) -> int:
    """Number of a sweep's runs that are not to be trained (again)."""
    return int((points["role"].isin(SWEPT) & ~points["run_id"].isin(again)).sum())


def with_smaller_fleets(folder: Path, plan: Plan, size: int, watch: Watch) -> Plan:
    """Halve the fleets of a study whose memory was too small for `size` networks."""
    half = size // 2
    watch(Note(text=f"memory is too small for a fleet of {size}: going on with {half}"))
    free_memory()
    plan = replace(plan, measured=replace(plan.measured, largest_fleet=half))
    store.write_plan(folder, plan)
    return plan


def way_of(plan: Plan, problem: Problem) -> str:
    """How many networks are trained together, and how."""
    size, measured = fleet_size(plan), plan.measured
    chosen = "as asked for" if plan.budget.fleet else "the fastest here"
    if size == measured.largest_fleet:
        chosen = "memory was too small for more"
    reasons = "".join(f"; not {path}: {reason}" for path, reason in problem.refused.items())
    return f"fleets of {size} ({chosen}), {problem.path}{reasons}"


def ending_of(points: pd.DataFrame, plan: Plan) -> str:
    """How a study ended that has nothing left to be trained."""
    if plan.settings.method == SMGD:
        return "compared"
    return "budget" if lams_of(points) >= plan.budget.max_runs else "done"


def expected_runs(points: pd.DataFrame, round_: Round, plan: Plan) -> int:
    """How many runs a study will have, if its search goes on to the end of its budget."""
    budget, searched = plan.budget, int((points["role"] == "search").sum())
    if round_.role == "search":
        searched = max(budget.max_runs * budget.repeats, searched + len(round_.runs))
    compared = set(points.loc[points["role"] == "comparison", "run_id"])
    return searched + len(compared | {run.id for run in comparison_runs(plan)})


def keep(folder: Path, plan: Plan, again: set[str]) -> pd.DataFrame:
    """Delete checkpoints and weights that need not be kept; return the table.

    Runs that are trained `again` stand in it, and may have come some way.
    """
    points, budget = store.read(folder), plan.budget
    store.forget_checkpoints(folder, set(points["run_id"]) - again)
    size = store.weights_bytes(folder, points)
    gone = superfluous(points, budget.keep_weights, size, budget.repeats)
    return store.forget_weights(folder, points, gone)


def predicted(points: pd.DataFrame, round_: Round) -> float:
    """Seconds that a round will take, from the study's own runs."""
    own = points[points["role"].isin(SWEPT)]
    return float((own["seconds"] / own["epochs"]).mean()) * sum(run.epochs for run in round_.runs)


def train(
    fleet: Sequence[Run],
    problem: Problem,
    executor: Executor,
    report: Callable[[int, int], None],
    keeper: Keeper,
) -> tuple[list[Outcome], dict[str, str]]:
    """Train a fleet; an exception makes failed points, each with its log.

    There are no points where memory is too small for the fleet, but perhaps not for half of it.
    """
    try:
        return executor.submit(train_fleet, fleet, problem, report, keeper).result(), {}
    except (TimeIsUp, CorruptStudyError):
        raise
    except Exception as error:
        if is_full(error) and len(fleet) > 1:
            return [], {}
        failure = f"{type(error).__name__}: {error}"
        points = [Point(run=run, status="failed", failure=failure) for run in fleet]
        log = traceback.format_exc()
        return [Outcome(point, {}, {}) for point in points], {run.id: log for run in fleet}


def record(
    folder: Path,
    plan: Plan,
    round_: Round,
    outcomes: Sequence[Outcome],
    logs: dict[str, str],
) -> None:
    """Hand the outcomes of a fleet of a round to the store."""
    study = {
        "round": round_.number,
        "role": round_.role,
        "search": None if round_.role == "comparison" else plan.settings.search,
        "torch_version": torch.__version__,
    }
    store.record(
        folder,
        rows=[{**outcome.point.row(), **study} for outcome in outcomes],
        weights={o.point.run.id: o.weights for o in outcomes if o.weights},
        histories={o.point.run.id: o.history for o in outcomes if o.history},
        logs=logs,
    )


def reporter(
    fleet: Sequence[Run], round_: Round, done_before: int, total: int, watch: Watch
) -> Callable[[int, int], None]:
    """Turn the steps of a fleet into `Progress`, with the time left at the fleet's own pace.

    `total` is the number of runs when all is done.
    """
    lams = tuple(run.lam for run in fleet)
    first: list[tuple[int, float]] = []

    def report(step: int, steps: int) -> None:
        now = time.monotonic()
        if not first:  # that of a fleet that goes on is not step 1
            first.append((step, now))
        begun, since = first[0]
        pace = (now - since) / max(step - begun, 1)  # seconds a step, the first one left out
        done = done_before + len(fleet) * step / steps
        fleets_left = (total - done) / len(fleet)
        watch(
            Progress(
                round=round_.number,
                lams=lams,
                step=step,
                steps=steps,
                epochs=fleet[0].epochs,
                runs_done=done,
                runs_total=total,
                seconds_left=pace * steps * fleets_left,
            )
        )

    return report
