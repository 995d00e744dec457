"""A sweep: a study is opened, trained by the loop, and summed up."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pandas as pd

from paretoprune.errors import CouldNotError
from paretoprune.problem.problem import Problem
from paretoprune.runner.events import SWEPT, Note, Summary, Watch, plural
from paretoprune.runner.executors.executor import Executor, LocalExecutor
from paretoprune.runner.jobs import Fleets
from paretoprune.runner.loop import Loop
from paretoprune.runner.rounds import fleet_size, propose
from paretoprune.runner.setup import (
    Request,
    default_folder,
    open_study,
    require_apart,
    unless_overtaken,
    with_fleet_size,
)
from paretoprune.study import storage as store
from paretoprune.study.run import SMGD
from paretoprune.study.settings import Plan, Settings


def sweep(request: Request, watch: Watch, executor: Executor | None = None) -> Summary:
    """Begin or continue a study until its search is done or its budget is spent.

    Raises `UsageError` for wrong options, `CouldNotError` where no run could be trained.
    """
    clock = time.monotonic()
    given = Settings.from_options(request.settings)
    folder = request.folder or default_folder(given)
    store.check_place(folder)
    require_apart(folder, given)
    plan, problem = open_study(folder, request)
    place = nullcontext(executor) if executor else executor_of(request, plan, watch)
    with place as executor, store.locked(folder):
        plan = unless_overtaken(folder, request, plan)
        watch(plan)
        if not fleet_size(plan):
            watch(Note(text="timing fleets of 1, 2, 4, ... networks"))
            plan = with_fleet_size(plan, problem, executor)
        store.write_plan(folder, plan)
        slots = 0 if request.is_async else executor.slots
        for note in (*problem.data.notes, way_of(plan, problem), *idle(plan, slots)):
            watch(Note(text=note))
        deadline = time.time() + (request.time_budget or math.inf)
        fleets = Fleets(folder, problem, executor, watch, deadline)
        again = failed(store.read(folder)) if request.is_retry else set()
        ending = Loop(folder, plan, request, executor, fleets, watch, again).run()
    points = store.read(folder)
    if ending != "kept" and not (points["status"] == "done").any():
        reason = points["failure"].iloc[-1] if len(points) else "no run was proposed"
        logs = f"; see {folder}/logs" if points["log"].notna().any() else ""
        raise CouldNotError(f"no run could be trained to its end: {reason}{logs}")
    summary = Summary(
        folder=folder,
        points=points,
        intervals=() if plan.settings.method == SMGD else propose(points, plan).intervals,
        ending=ending,
        max_runs=plan.budget.max_runs,
        seconds=time.monotonic() - clock,
    )
    watch(summary)
    return summary


@contextmanager
def executor_of(request: Request, plan: Plan, watch: Watch) -> Iterator[Executor]:
    """Where a request has its fleets trained."""
    if request.cluster is None:
        yield LocalExecutor()
        return
    from paretoprune.runner.executors.ray.connection import connected  # Ray may not be installed

    own = request.own_functions(plan.settings)
    with connected(request.cluster, request.device, own, watch) as executor:
        yield executor


def failed(points: pd.DataFrame) -> set[str]:
    """The runs that an exception ended; one that diverged would do so again."""
    own = points[points["role"].isin(SWEPT) & (points["status"] == "failed")]
    return set(own["run_id"])


def way_of(plan: Plan, problem: Problem) -> str:
    """How many networks are trained together, and how."""
    size, measured = fleet_size(plan), plan.measured
    chosen = "as asked for" if plan.budget.fleet else "the fastest here"
    if size == measured.largest_fleet:
        chosen = "memory was too small for more"
    reasons = "".join(f"; not {path}: {reason}" for path, reason in problem.refused.items())
    return f"fleets of {size} ({chosen}), {problem.path}{reasons}"


def idle(plan: Plan, slots: int) -> list[str]:
    """What to do where a round does not fill the places of a cluster."""
    fleets = -(-plan.settings.round_size * plan.budget.repeats // fleet_size(plan))
    if plan.settings.method == SMGD or fleets >= slots:
        return []
    return [
        f"a round has {plural(fleets, 'fleet')}, and there is room for {slots}: --async, a smaller "
        "--fleet, or a new study with a larger --round would fill it"
    ]
