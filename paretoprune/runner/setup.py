"""Setup of a sweep: the plan of a new or continued study, and its prepared problem."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TypeVar

from paretoprune.errors import CorruptStudyError, UsageError
from paretoprune.problem.problem import Problem, count_prunable
from paretoprune.runner.request import SweepRequest, require_meaning
from paretoprune.search import SEARCHES
from paretoprune.study import storage
from paretoprune.study.defaults import default_budget
from paretoprune.study.options import choose, from_values, options_of, values_of
from paretoprune.study.plan import Budget, Measured, Plan
from paretoprune.study.settings import Settings
from paretoprune.training.evaluate import reference_lam
from paretoprune.training.fleet_size import usual_fleet_size
from paretoprune.training.methods import METHODS, further_columns, method_options
from paretoprune.training.prepare import Prepared, prepare

Declared = TypeVar("Declared", Settings, Budget)


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def open_study(folder: Path, request: SweepRequest) -> tuple[Plan, Prepared]:
    """Read the plan of a study, or make a new one, and prepare its problem.

    Nothing is written.

    Args:
        folder: The folder of the study; it need not hold one yet.
        request: What the user asks for.

    Returns:
        The plan, with the budget of the request, and the prepared problem.

    Raises:
        UsageError: If options are wrong or contradict the study, or the data have changed.
        CorruptStudyError: If the plan cannot be read, or names a search, a method or an option that
            this version lacks.
        CouldNotError: If data are missing, or memory is too small for two networks.
    """
    stored = read_plan_for(folder, request) if storage.is_study(folder) else None
    settings = stored.settings if stored else new_settings(request)
    choose(settings.search, SEARCHES, "--search")
    budget = stored.budget if stored else new_budget(settings, request)
    environment = request.environment_of(settings)
    is_stacked = stored is not None and stored.measured.is_stacked
    prepared = prepare(settings, environment, is_stacked=is_stacked)
    for method in METHODS.values():
        method.fit(settings, budget, prepared.problem)
    if stored:
        require_same_data(folder, stored, prepared.problem)
    measured = stored.measured if stored else measure(prepared, settings)
    plan = Plan(settings=settings, budget=budget, measured=measured)
    return replace(plan, further_columns=further_columns(plan)), prepared


def new_settings(request: SweepRequest) -> Settings:
    """Return the settings of a new study: the options of the request, and defaults for the others.

    Raises `UsageError` if the method is unknown, or options are out of range.
    """
    settings = Settings.from_options(request.settings)
    method = METHODS[choose(settings.method, METHODS, "--method")]
    return completed(settings, method.settings)


def completed(
    declared: Declared, options: type | None, defaults: Mapping[str, object] | None = None
) -> Declared:
    """Complete settings or a budget with the options of a method.

    Args:
        declared: The settings or the budget.
        options: The dataclass of the method's options; `None` if it has none.
        defaults: Values that take precedence over those of the declarations.

    Raises:
        UsageError: If a value is out of range.
    """
    if options is None:
        return declared
    given, names = dict(declared.further), {each.name for each in options_of(options)}
    own = options(**{**(defaults or {}), **{n: given[n] for n in given.keys() & names}})
    return replace(declared, further=tuple(sorted((given | asdict(own)).items())))


def new_budget(settings: Settings, request: SweepRequest) -> Budget:
    """Return the budget of a new study: the options of the request, and defaults for the others.

    Raises:
        UsageError: If options are out of range, have no effect or exclude each other.
    """
    defaults = default_budget(settings.recipe, settings.search)
    budget = from_values(Budget, defaults | dict(request.budget))
    for method in METHODS.values():
        budget = completed(budget, method.budget, method.defaults(settings, budget))
    require_meaning(settings, budget, request)
    return budget


def require_same_data(folder: Path, plan: Plan, problem: Problem) -> None:
    """Raise `UsageError` if the data, the model or the initial weights have changed.

    They are compared with what the study measured at its beginning: the numbers of validation
    samples, test samples and prunable weights, and the digest of the initial weights.
    """
    measured, init = plan.measured, plan.settings.init
    if init and digest_of(Path(init)) != measured.init_digest:
        raise UsageError(
            f"{init} has changed since {folder} began: restore it, or name another folder for a "
            "new study"
        )
    then = (measured.validation_images, measured.test_images, measured.prunable_weights)
    now = (len(problem.data.validation), len(problem.data.test), count_prunable(problem))
    if then != now:
        words = "{:,} validation and {:,} test samples, {:,} prunable weights"
        raise UsageError(
            f"the data or the model of {folder} have changed since it began, from "
            f"{words.format(*then)} to {words.format(*now)}: restore them, or name another folder "
            "for a new study"
        )


def read_plan_for(folder: Path, request: SweepRequest) -> Plan:
    """Return the plan of a study that is continued, with the budget of the request.

    Raises:
        UsageError: If the settings of the request differ from those of the study, or options of
            the budget are out of range, have no effect or exclude each other.
    """
    plan = known_plan(folder, storage.read_plan(folder))
    budget = from_values(Budget, values_of(plan.budget) | dict(request.budget))
    for method in METHODS.values():
        budget = completed(budget, method.budget)
    require_meaning(plan.settings, budget, request)
    differences = plan.settings.differences(request.settings)
    if differences:
        raise UsageError(
            f"{folder} is another study: {'; '.join(differences)}. Leave these options out to "
            "continue it, or name another folder"
        )
    return replace(plan, budget=budget)


def known_plan(folder: Path, plan: Plan) -> Plan:
    """Return a stored plan, completed with the options that its version of a method did not have.

    Raises `CorruptStudyError` for a search, a method or an option that this version lacks, and for
    an option of a method that is out of range.
    """
    require_known(folder, plan)
    try:
        settings = completed(plan.settings, METHODS[plan.settings.method].settings)
        budget = plan.budget
        for method in METHODS.values():
            budget = completed(budget, method.budget)
    except UsageError as error:
        raise CorruptStudyError(f"{folder / storage.PLAN} cannot be read: {error}") from error
    return replace(plan, settings=settings, budget=budget)


def plain_name(name: str) -> str:
    """Return a name as it is, or quoted if it is no word."""
    return name if name.isidentifier() else ascii(name)


def require_known(folder: Path, plan: Plan) -> None:
    """Raise `CorruptStudyError` for a search, a method or an option that this version lacks."""
    path, settings = folder / storage.PLAN, plan.settings
    for name, value, known in (
        ("search", settings.search, SEARCHES),
        ("method", settings.method, METHODS),
    ):
        if value not in known:
            raise CorruptStudyError(
                f"{path}: {name} {value} is unknown, perhaps of a newer version"
            )
    unknown = dict(settings.further).keys() - method_options(Settings).keys()
    unknown |= dict(plan.budget.further).keys() - method_options(Budget).keys()
    if unknown:
        raise CorruptStudyError(
            f"{path} cannot be read: missing or unknown entries, perhaps a newer paretoprune's: "
            f"{', '.join(sorted(map(plain_name, unknown)))}"
        )


def measure(prepared: Prepared, settings: Settings) -> Measured:
    """Measure the values that a study keeps from its beginning on."""
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
