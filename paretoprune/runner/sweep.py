"""Sweep: open a study, train it in the loop, and summarize it."""

import math
import time
from contextlib import nullcontext
from pathlib import Path

import pandas as pd

from paretoprune.errors import CouldNotError
from paretoprune.problem.device import training_process
from paretoprune.runner.events import SWEPT, EventHandler, Note, Summary, plural
from paretoprune.runner.executors.executor import Executor
from paretoprune.runner.executors.open_executor import EXECUTORS
from paretoprune.runner.jobs import JobPool
from paretoprune.runner.loop import Loop
from paretoprune.runner.request import SweepRequest, default_folder, require_apart
from paretoprune.runner.rounds import propose
from paretoprune.runner.runs import has_search
from paretoprune.runner.setup import open_study
from paretoprune.study import storage
from paretoprune.study.plan import Plan
from paretoprune.study.settings import Settings
from paretoprune.training.fleet_size import activation_bytes, memory_of_network
from paretoprune.training.prepare import Prepared


def sweep(request: SweepRequest, watch: EventHandler, executor: Executor | None = None) -> Summary:
    """Begin or continue a study until its search is done or its budget is spent.

    Args:
        request: What the user asks for.
        watch: Receives the events of the sweep.
        executor: Trains the fleets; `None` for the executor of the request.

    Returns:
        The summary, which is also the last event.

    Raises:
        UsageError: If options are wrong.
        BusyStudyError: If another process is working on the study.
        CorruptStudyError: If a file of the study cannot be read.
        CouldNotError: If no run could be trained to its end.
    """
    clock = time.monotonic()
    given = Settings.from_options(request.settings)
    folder = request.folder or default_folder(given)
    storage.require_free_folder(folder)
    require_apart(folder, given)
    with training_process(), storage.locked(folder):
        plan, prepared = open_study(folder, request)
        opened = EXECUTORS[request.executor](request, plan.settings, watch)
        with nullcontext(executor) if executor else opened as chosen:
            plan, ending = train_study(folder, plan, prepared, request, chosen, watch)
    points = storage.read(folder, plan.columns)
    if ending != "kept" and not (points["status"] == "done").any():
        reason = points["failure"].iloc[-1] if len(points) else "no run was proposed"
        logs = f"; see {folder}/logs" if points["log"].notna().any() else ""
        raise CouldNotError(f"no run could be trained to its end: {reason}{logs}")
    summary = Summary(
        folder=folder,
        points=points,
        intervals=propose(points, plan).intervals if has_search(plan) else (),
        ending=ending,
        max_runs=plan.budget.max_runs,
        seconds=time.monotonic() - clock,
        columns=plan.columns,
    )
    watch(summary)
    return summary


def train_study(
    folder: Path,
    plan: Plan,
    prepared: Prepared,
    request: SweepRequest,
    executor: Executor,
    watch: EventHandler,
) -> tuple[Plan, str]:
    """Train the missing runs of a locked study; return its plan and why the loop ended."""
    watch(plan)
    notes = [*prepared.problem.data.notes, backend_note(plan, prepared)]
    if not storage.is_study(folder):
        notes += memory_notes(plan, prepared)
    storage.write_plan(folder, plan)
    slots = 0 if request.is_async else executor.slots
    for note in (*notes, *idle(plan, slots)):
        watch(Note(text=note))
    deadline = time.time() + (request.time_budget or math.inf)
    fleets = JobPool(folder, prepared, executor, watch, deadline)
    points = storage.read(folder, plan.columns)
    again = failed_run_ids(points) if request.is_retry else set()
    loop = Loop(folder, plan, request, executor, fleets, watch, again, points)
    return plan, loop.run()


def failed_run_ids(points: pd.DataFrame) -> set[str]:
    """Return the ids of the sweep's runs that an exception ended.

    Diverged runs are left out, because they would diverge again.
    """
    failed = points[points["role"].isin(SWEPT) & (points["status"] == "failed")]
    return set(failed["run_id"])


def backend_note(plan: Plan, prepared: Prepared) -> str:
    """Return the note on the fleet size and the backend."""
    size = plan.fleet_size
    if size == plan.measured.largest_fleet:
        chosen = "memory was too small for more"
    elif plan.budget.fleet:
        chosen = "as asked for"
    elif size == plan.settings.round_size:
        chosen = "the size of a round"
    else:
        chosen = "chosen when the study began"
    reasons = "".join(f"; not {name}: {reason}" for name, reason in prepared.rejected.items())
    return f"fleets of {size} ({chosen}), {prepared.backend}{reasons}"


def memory_notes(plan: Plan, prepared: Prepared) -> list[str]:
    """Return notes on the memory of a new study's fleets whose size follows the rule."""
    if plan.budget.fleet:
        return []
    notes, size, whole = [], plan.fleet_size, plan.settings.round_size
    if activation_bytes(prepared.problem, plan.settings) is None:
        notes.append(
            "the memory of this model's activations cannot be estimated; take a smaller "
            "--fleet if it runs out"
        )
    if size < whole:
        needed = whole * memory_of_network(prepared.problem, plan.settings) / 1e9
        notes.append(
            f"a fleet of {whole} would take about {needed:.1f} GB, over half of the memory; "
            f"--fleet {whole} asks for it all the same"
        )
    return notes


def idle(plan: Plan, slots: int) -> list[str]:
    """Return a note with advice if a round of the search does not fill the slots of a cluster.

    Args:
        plan: The plan of the study.
        slots: Number of fleets that are trained side by side.
    """
    fleets = -(-plan.settings.round_size * plan.budget.repeats // plan.fleet_size)
    if not has_search(plan) or fleets >= slots:
        return []
    return [
        f"a round has {plural(fleets, 'fleet')}, and there is room for {slots}: --async, a smaller "
        "--fleet, or a new study with a larger --round would fill it"
    ]
