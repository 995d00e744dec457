"""Which study is this, and can it begin or go on here? Refuses before anything is trained."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from paretoprune.errors import BusyStudyError, CorruptStudyError, UsageError
from paretoprune.problem.build import Place, build_problem
from paretoprune.problem.problem import Problem, count_prunable, reference_lam
from paretoprune.runner.executors.executor import Executor, WorkerDiedError
from paretoprune.runner.executors.ray import Cluster
from paretoprune.runner.rounds import comparison_runs, run_template
from paretoprune.search import SEARCHES
from paretoprune.study import storage as store
from paretoprune.study.defaults import is_own, name_and_path, usual_budget
from paretoprune.study.run import SMGD
from paretoprune.study.settings import Budget, Measured, Plan, Settings, choose, option_of, require
from paretoprune.study.storage.tensors import read_tensors
from paretoprune.study.user_code import IN_MEMORY, Function, find
from paretoprune.training.fleet_size import timed

# Fields that only a search, or only the comparison with SMGD, reads.
OF_SEARCHES = {"search", "warm_up", "round_size", "max_runs", "tolerance", "repeats"}
OF_SMGD = {"smgd_epochs", "moments", "normalize", "split"}


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a user asks of a sweep: only what they gave, the study knows or chooses the rest.

    `settings` and `budget` hold fields of `Settings` and `Budget`; `time_budget` is in seconds.
    `is_fail_fast` ends the sweep with the first run that fails or diverges, `is_retry` trains
    those again that failed before, `is_async` waits for no round to be complete. Fleets are
    trained on `cluster`, if there is one. `model`, `data` and `loss` are a Python program's own.
    """

    folder: Path | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    budget: Mapping[str, Any] = field(default_factory=dict)
    time_budget: float | None = None
    is_fail_fast: bool = False
    is_retry: bool = False
    is_async: bool = False
    device: str = "auto"
    cluster: Cluster | None = None
    data_dir: Path = Path()
    model: Function | None = None
    data: Any = None
    loss: Function | None = None

    def place(self, settings: Settings) -> Place:
        """What a problem is built with, beside the settings of its study."""
        return Place(
            data_dir=self.data_dir,
            device="cpu" if self.cluster else self.device,
            model=self.model,
            data=self.data,
            loss=self.loss,
            initial=read_tensors(Path(settings.init)) if settings.init else {},
        )

    def own_functions(self, settings: Settings) -> list[Function]:
        """The user's own code that a fleet calls."""
        named = ((self.model, settings.model, "--model"), (self.loss, settings.loss, "--loss"))
        return [
            given or find(name, option) for given, name, option in named if given or is_own(name)
        ]


def digest_of(path: Path) -> str:
    """SHA-256 of a file, 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def default_folder(settings: Settings) -> Path:
    """Where a study goes that has no name: `DATASET-MODEL`, here; of own code its module's name."""
    name, path = name_and_path(settings.dataset)
    words = [Path(path).name if path else word_of(name), word_of(settings.model)]
    return Path("-".join(dict.fromkeys(words)))


def word_of(name: str) -> str:
    """A short name of a data set or a model."""
    if not is_own(name):
        return name
    module, _, function = name.partition(":")
    word = function if module == IN_MEMORY else module.rpartition(".")[2]
    return word if word.isidentifier() else "own"


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
    budget = stored.budget if stored else new_budget(settings, request)
    problem = build_problem(settings, request.place(settings))
    if budget.split and not problem.convolutions:
        raise UsageError("--split has no meaning for a model without convolutions: leave it out")
    if stored:
        require_same_data(folder, stored, problem)
    measured = stored.measured if stored else measure(problem, settings)
    plan = Plan(settings=settings, budget=budget, measured=measured)
    return plan, problem


def with_fleet_size(plan: Plan, problem: Problem, executor: Executor) -> Plan:
    """Time fleets where they will be trained, once in a study, whose size the user leaves open."""
    is_smgd = plan.settings.method == SMGD
    run = comparison_runs(plan)[0] if is_smgd else run_template(plan.settings)
    lams = min(plan.settings.round_size, plan.budget.max_runs)
    largest = plan.budget.smgd if is_smgd else lams * plan.budget.repeats
    task = partial(timed, largest=largest)
    future = executor.submit(task, [run], problem, lambda step, steps: None, None)
    executor.wait([future])
    try:
        size = future.result()
    except (MemoryError, WorkerDiedError):  # the run itself will fail so, and keep its log
        size = 1
    return replace(plan, measured=replace(plan.measured, fleet_size=size))


def new_budget(settings: Settings, request: Request) -> Budget:
    """What a user gave, and what is usual; raise `UsageError` for what has no meaning."""
    usual = usual_budget(settings.recipe, settings.search)
    if settings.init:
        usual["smgd"] = 1
    budget = Budget(**{**usual, **request.budget})
    require_meaning(settings, budget, request)
    return budget


def require_meaning(settings: Settings, budget: Budget, request: Request) -> None:
    """Raise `UsageError` for options that say nothing in this study."""
    options = {**request.settings, **request.budget}
    given = {name for name, value in options.items() if value is not False}  # --no-split
    if request.is_async and settings.recipe == "paper":
        raise UsageError(
            "--async knows no rounds, and the searches of --recipe paper count them: leave it out"
        )
    if settings.method == SMGD:
        odd = sorted(option_of(name) for name in given & OF_SEARCHES)
        if odd:
            raise UsageError(f"{', '.join(odd)}: of searches, and --method smgd searches nothing")
        require(budget.smgd > 0, "--smgd", budget.smgd, "1 or more with --method smgd")
    odd = sorted(option_of(name) for name in given & OF_SMGD)
    if odd and not budget.smgd:
        raise UsageError(
            f"{', '.join(odd)}: of SMGD runs, of which this study has none: give --smgd 3 too"
        )
    if settings.init and max(budget.smgd, budget.repeats) > 1:
        raise UsageError(
            "--repeats and --smgd above 1 have no meaning with --init: every seed would begin with "
            "the same weights"
        )
    if budget.split and settings.prunable != "linear":
        raise UsageError(
            f"--split gives convolutions an objective of their own, which --prunable "
            f"{settings.prunable} counts too: take --prunable linear"
        )


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
    budget = replace(plan.budget, **request.budget)
    require_meaning(plan.settings, budget, request)
    differences = plan.settings.differences(request.settings)
    if differences:
        raise UsageError(
            f"{folder} is another study: {'; '.join(differences)}. Leave these options out to "
            "continue it, or name another folder"
        )
    return replace(plan, budget=budget)


def measure(problem: Problem, settings: Settings) -> Measured:
    """Measure what the study keeps for ever."""
    return Measured(
        lam_ref=reference_lam(problem),
        constant_loss=problem.constant_loss,
        prunable_weights=count_prunable(problem),
        validation_images=len(problem.data.validation),
        test_images=len(problem.data.test),
        quality=problem.quality,
        init_digest=digest_of(Path(settings.init)) if settings.init else "",
    )
