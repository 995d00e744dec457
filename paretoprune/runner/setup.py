"""Setup of a sweep: the plan of a new or begun study, and its problem made ready."""

import hashlib
from dataclasses import replace
from pathlib import Path

from paretoprune.errors import CorruptStudyError, UsageError
from paretoprune.problem.problem import Problem, count_prunable
from paretoprune.runner.request import SweepRequest, require_meaning
from paretoprune.search import SEARCHES
from paretoprune.study import storage
from paretoprune.study.defaults import default_budget
from paretoprune.study.settings import Budget, Measured, Plan, Settings
from paretoprune.study.validation import choose
from paretoprune.training.evaluate import reference_lam
from paretoprune.training.fleet_size import usual_fleet_size
from paretoprune.training.prepare import Prepared, prepare


def digest_of(path: Path) -> str:
    """SHA-256 of a file, 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def open_study(folder: Path, request: SweepRequest) -> tuple[Plan, Prepared]:
    """Read the study's plan, or make one, and build its problem; nothing is written yet."""
    stored = read_plan_for(folder, request) if storage.is_study(folder) else None
    settings = stored.settings if stored else Settings.from_options(request.settings)
    if stored and settings.search not in SEARCHES:
        raise CorruptStudyError(f"{folder / storage.PLAN}: search {settings.search} is unknown")
    choose(settings.search, SEARCHES, "--search")
    budget = stored.budget if stored else new_budget(settings, request)
    environment = request.environment_of(settings)
    is_stacked = stored is not None and stored.measured.is_stacked
    prepared = prepare(settings, environment, is_stacked=is_stacked)
    if budget.split and not prepared.problem.convolutions:
        raise UsageError("--split has no meaning for a model without convolutions: leave it out")
    if stored:
        require_same_data(folder, stored, prepared.problem)
    measured = stored.measured if stored else measure(prepared, settings)
    plan = Plan(settings=settings, budget=budget, measured=measured)
    return plan, prepared


def new_budget(settings: Settings, request: SweepRequest) -> Budget:
    """What a user gave, and what is usual; raise `UsageError` for what has no meaning."""
    usual = default_budget(settings.recipe, settings.search)
    if settings.init:
        usual["smgd"] = 1
    budget = Budget(**{**usual, **request.budget})
    require_meaning(settings, budget, request)
    return budget


def require_same_data(folder: Path, plan: Plan, problem: Problem) -> None:
    """Raise `UsageError` where the data are not those with which the study began."""
    begun, init = plan.measured, plan.settings.init
    if init and digest_of(Path(init)) != begun.init_digest:
        raise UsageError(
            f"{init} has changed since {folder} began: restore it, or name another folder for a "
            "new study"
        )
    then = (begun.validation_images, begun.test_images, begun.prunable_weights)
    now = (len(problem.data.validation), len(problem.data.test), count_prunable(problem))
    if then != now:
        words = "{:,} validation and {:,} test samples, {:,} prunable weights"
        raise UsageError(
            f"the data or the model of {folder} have changed since it began, from "
            f"{words.format(*then)} to {words.format(*now)}: restore them, or name another folder "
            "for a new study"
        )


def read_plan_for(folder: Path, request: SweepRequest) -> Plan:
    """Read the plan of a study that goes on; raise `UsageError` where its identity differs."""
    plan = storage.read_plan(folder)
    budget = replace(plan.budget, **request.budget)
    require_meaning(plan.settings, budget, request)
    differences = plan.settings.differences(request.settings)
    if differences:
        raise UsageError(
            f"{folder} is another study: {'; '.join(differences)}. Leave these options out to "
            "continue it, or name another folder"
        )
    return replace(plan, budget=budget)


def measure(prepared: Prepared, settings: Settings) -> Measured:
    """Measure what a study keeps from its beginning on."""
    data = prepared.problem.data
    return Measured(
        lam_ref=reference_lam(prepared),
        constant_loss=prepared.constant_loss,
        prunable_weights=count_prunable(prepared.problem),
        validation_images=len(data.validation),
        test_images=len(data.test),
        fleet_size=usual_fleet_size(prepared.problem, settings),
        is_stacked=prepared.is_stacked,
        quality=prepared.metric,
        init_digest=digest_of(Path(settings.init)) if settings.init else "",
    )
