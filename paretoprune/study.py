"""The loop of a study: propose a round, train its fleets, record them, until the budget ends."""

import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from paretoprune import store
from paretoprune.errors import BusyStudyError, CorruptStudyError, CouldNotError, UsageError
from paretoprune.executor import Executor, LocalExecutor
from paretoprune.keeping import superfluous
from paretoprune.problem import Problem, build_problem, count_prunable, reference_lam
from paretoprune.progress import Note, Progress, Recorded, Summary, Watch
from paretoprune.recipes import name_and_path, usual_budget
from paretoprune.rounds import Round, fleets_of, lams_of, next_round, propose
from paretoprune.run import Point, Run
from paretoprune.search import SEARCHES
from paretoprune.settings import Budget, Measured, Plan, Settings, choose
from paretoprune.train import Outcome, train_fleet

DEFAULT_FLEET = 8  # networks; 16 are slower on a CPU (docs/experiments.md, bench/fleet.py)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a user asks of a sweep: only what they gave, the study knows or chooses the rest.

    `settings` and `budget` hold fields of `Settings` and `Budget`; `time_budget` is in seconds.
    """

    folder: Path | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    budget: Mapping[str, Any] = field(default_factory=dict)
    time_budget: float | None = None
    device: str = "auto"
    data_dir: Path = Path()


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
        store.write_plan(folder, plan)
        watch(plan)
        for note in problem.data.notes:
            watch(Note(text=note))
        ending = train_rounds(folder, plan, problem, executor, watch, request.time_budget)
    points = store.read(folder)
    if not (points["status"] == "done").any():
        reason = points["failure"].iloc[-1] if len(points) else "no run was proposed"
        logs = f"; see {folder}/logs" if points["log"].notna().any() else ""
        raise CouldNotError(f"no run could be trained to its end: {reason}{logs}")
    return Summary(
        folder=folder,
        points=points,
        intervals=propose(points, plan).intervals,
        ending=ending,
        max_runs=plan.budget.max_runs,
        seconds=time.monotonic() - clock,
    )


def default_folder(settings: Settings) -> Path:
    """Where a study goes that has no name: `DATASET-MODEL`, here."""
    name, path = name_and_path(settings.dataset)
    return Path(f"{Path(path).name if path else name}-{settings.model}")


def require_apart(folder: Path, settings: Settings) -> None:
    """Raise `UsageError` where a study would lie among the images of `folder:PATH`, as a class."""
    _, images = name_and_path(settings.dataset)
    if images and folder.resolve().is_relative_to(images):
        raise UsageError(f"{folder} would lie among the images in {images}: name another place")


def open_study(folder: Path, request: Request) -> tuple[Plan, Problem]:
    """Read the study's plan, or make one, and build its problem; nothing is written yet."""
    stored = read_plan_for(folder, request) if store.is_study(folder) else None
    settings = stored.settings if stored else Settings.from_options(request.settings)
    if stored and settings.search not in SEARCHES:
        raise CorruptStudyError(f"{folder / store.PLAN}: search {settings.search} is unknown")
    choose(settings.search, SEARCHES, "--search")
    problem = build_problem(settings, request.data_dir, request.device)
    if stored:
        require_same_data(folder, stored, problem)
        return stored, problem
    budget = Budget(**{**usual_budget(settings.recipe, settings.search), **request.budget})
    return Plan(settings=settings, budget=budget, measured=measure(problem)), problem


def require_same_data(folder: Path, plan: Plan, problem: Problem) -> None:
    """Raise `UsageError` where the data are not those with which the study began."""
    begun = plan.measured
    then = (begun.validation_images, begun.test_images, begun.prunable_weights)
    now = (len(problem.data.validation), len(problem.data.test), count_prunable(problem))
    if then != now:
        words = "{:,} validation and {:,} test images, {:,} prunable weights"
        raise UsageError(
            f"the data of {folder} have changed since it began, from {words.format(*then)} to "
            f"{words.format(*now)}: restore them, or name another folder for a new study"
        )


def unless_overtaken(folder: Path, request: Request, plan: Plan) -> Plan:
    """The plan as it is now that nobody else can write.

    Raises `BusyStudyError` where another process began another study there in the meantime.
    """
    if not store.is_study(folder):
        return plan
    now = read_plan_for(folder, request)
    if now.settings != plan.settings:
        raise BusyStudyError(f"another process has just begun a study in {folder}: name another")
    return now


def read_plan_for(folder: Path, request: Request) -> Plan:
    """Read the plan of a study that goes on; raise `UsageError` where its identity differs."""
    plan = store.read_plan(folder)
    differences = plan.settings.differences(request.settings)
    if differences:
        raise UsageError(
            f"{folder} is another study: {'; '.join(differences)}. Leave these options out to "
            "continue it, or name another folder"
        )
    return replace(plan, budget=replace(plan.budget, **request.budget))


def measure(problem: Problem) -> Measured:
    """Measure what the study keeps for ever."""
    return Measured(
        lam_ref=reference_lam(problem),
        constant_loss=problem.constant_loss,
        prunable_weights=count_prunable(problem),
        validation_images=len(problem.data.validation),
        test_images=len(problem.data.test),
        fleet_size=DEFAULT_FLEET,
    )


def train_rounds(
    folder: Path,
    plan: Plan,
    problem: Problem,
    executor: Executor,
    watch: Watch,
    time_budget: float | None,
) -> str:
    """Train round after round; return how it ended."""
    started, first = time.monotonic(), True
    while True:
        points = keep(folder, plan)
        round_ = next_round(points, plan)
        if round_ is None:
            return "budget" if lams_of(points) >= plan.budget.max_runs else "done"
        spent = time.monotonic() - started
        if time_budget and not first and spent + predicted(points, round_) > time_budget:
            return "time"
        first, done = False, int((points["role"] == "search").sum())
        total = max(plan.budget.max_runs * plan.budget.repeats, done + len(round_.runs))
        for fleet in fleets_of(round_.runs, plan.budget.fleet or plan.measured.fleet_size):
            report = reporter(fleet, round_.number, done, total, watch)
            outcomes, logs = train(fleet, problem, executor, report)
            record(folder, plan, round_.number, outcomes, logs)
            done += len(fleet)
            points = keep(folder, plan)
            watch(Recorded(points=points))


def keep(folder: Path, plan: Plan) -> pd.DataFrame:
    """Delete the weights that need not be kept; return the table."""
    points, budget = store.read(folder), plan.budget
    size = store.weights_bytes(folder, points)
    gone = superfluous(points, budget.keep_weights, size, budget.repeats)
    return store.forget_weights(folder, points, gone)


def predicted(points: pd.DataFrame, round_: Round) -> float:
    """Seconds that a round will take, from the study's own runs."""
    own = points[points["role"] == "search"]
    return float(own["seconds"].mean()) * len(round_.runs)


def train(
    fleet: Sequence[Run], problem: Problem, executor: Executor, report: Callable[[int, int], None]
) -> tuple[list[Outcome], dict[str, str]]:
    """Train a fleet; an exception makes failed points, each with its log."""
    try:
        return executor.submit(train_fleet, fleet, problem, report).result(), {}
    except Exception as error:
        failure = f"{type(error).__name__}: {error}"
        points = [Point(run=run, status="failed", failure=failure) for run in fleet]
        log = traceback.format_exc()
        return [Outcome(point, {}, {}) for point in points], {run.id: log for run in fleet}


def record(
    folder: Path,
    plan: Plan,
    number: int,
    outcomes: Sequence[Outcome],
    logs: dict[str, str],
    role: str = "search",
) -> None:
    """Hand a fleet's outcomes to the store; `number` is that of the round."""
    study = {
        "round": number,
        "role": role,
        "search": plan.settings.search,
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
    fleet: Sequence[Run], number: int, done_before: int, total: int, watch: Watch
) -> Callable[[int, int], None]:
    """Turn the steps of a fleet into `Progress`, with the time left at the fleet's own pace.

    `number` is that of the round, `total` the number of runs when all is done.
    """
    lams = tuple(run.lam for run in fleet)
    started: list[float] = []

    def report(step: int, steps: int) -> None:
        now = time.monotonic()
        started.append(now) if not started else None
        pace = (now - started[0]) / max(step - 1, 1)  # seconds a step, the first one left out
        done = done_before + len(fleet) * step / steps
        fleets_left = (total - done) / len(fleet)
        watch(
            Progress(
                round=number,
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
