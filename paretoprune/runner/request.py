"""Request for a sweep: what a user asks for, and checks that its options fit together."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from paretoprune.errors import UsageError
from paretoprune.problem.build import Environment
from paretoprune.runner.executors import LOCAL
from paretoprune.runner.executors.ray import RayConfig
from paretoprune.runner.place import Place
from paretoprune.study.dataset_ref import is_user_code
from paretoprune.study.options import choose, option_of, options_of
from paretoprune.study.plan import Budget
from paretoprune.study.settings import Settings, data_folder
from paretoprune.study.storage.tensors import read_tensors
from paretoprune.study.user_code import IN_MEMORY, Function, find
from paretoprune.training.methods import METHODS, method_options

# Fields that only a search reads.
OF_SEARCHES = {o.name for kind in (Settings, Budget) for o in options_of(kind) if o.of_search}


@dataclass(frozen=True, kw_only=True)
class SweepRequest:
    """Request for a sweep; options that are not given follow from the study or its defaults.

    Attributes:
        folder: The folder of the study; `None` for one named after the data set and the model.
        settings: Values of `Settings` that the user gave, by field name.
        budget: Values of `Budget` that the user gave, by field name.
        time_budget: Seconds that the sweep may take. No round begins that would exceed them, and
            no epoch of a long fleet; `None` for no limit.
        is_fail_fast: Whether the first run that fails or diverges ends the sweep.
        is_retry: Whether runs that failed before are trained again.
        is_async: Whether runs are proposed without waiting for a round to be complete.
        environment: The device, the data folder, and objects that replace names in the settings.
        executor: Where fleets are trained, a key of `EXECUTORS`.
        ray: The Ray cluster and the resources of a fleet; read by the executor `ray` only.
    """

    folder: Path | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    budget: Mapping[str, Any] = field(default_factory=dict)
    time_budget: float | None = None
    is_fail_fast: bool = False
    is_retry: bool = False
    is_async: bool = False
    environment: Environment = field(default_factory=Environment)
    executor: str = LOCAL
    ray: RayConfig = field(default_factory=RayConfig)

    def environment_of(self, settings: Settings) -> Environment:
        """Return the environment in which this process builds the problem of a study.

        If fleets are trained by workers, this process builds the problem on the CPU.
        """
        environment = self.environment
        if self.executor != LOCAL:
            environment = replace(environment, device="cpu")
        return with_initial(environment, settings)

    def user_functions(self, settings: Settings) -> list[Function]:
        """Return the model and loss functions of the user that a fleet calls, if there are any."""
        model, loss = self.environment.model, self.environment.loss
        named = ((model, settings.model, "--model"), (loss, settings.loss, "--loss"))
        return [
            function or find(name, option)
            for function, name, option in named
            if function or is_user_code(name)
        ]


def with_initial(environment: Environment, settings: Settings) -> Environment:
    """Return the environment with the initial weights from the file that the settings name."""
    initial = read_tensors(Path(settings.init)) if settings.init else {}
    return replace(environment, initial=initial)


def request_of(
    folder: Path | None,
    settings: Mapping[str, Any],
    budget: Mapping[str, Any],
    place: Place,
    ray: RayConfig | None = None,
    **objects: Any,
) -> SweepRequest:
    """Return the request for a sweep from the options that a user gave.

    Args:
        folder: The folder of the study; `None` for one named after the data set and the model.
        settings: Values of `Settings`, by field name.
        budget: Values of `Budget`, by field name.
        place: The options that hold for this call.
        ray: The configuration of the executor `ray`.
        objects: `model`, `data` and `loss`, if a program gives objects instead of names.
    """
    return SweepRequest(
        folder=folder,
        settings=settings,
        budget=budget,
        time_budget=place.time_budget,
        is_fail_fast=place.fail_fast,
        is_retry=place.retry_failed,
        is_async=place.asynchronous,
        environment=Environment(
            device=place.device, data_dir=data_folder(place.data_dir), **objects
        ),
        executor=place.executor,
        ray=ray or RayConfig(),
    )


def default_folder(settings: Settings) -> Path:
    """Return the default folder of a study: `DATASET-MODEL` in the current folder.

    User code is represented by the name of its module.
    """
    dataset = settings.dataset_ref
    name = dataset.path.name if dataset.path else short_name(dataset.name)
    words = [name, short_name(settings.model)]
    return Path("-".join(dict.fromkeys(words)))


def short_name(name: str) -> str:
    """Return a short name of a data set or a model, which may be user code."""
    if not is_user_code(name):
        return name
    module, _, function = name.partition(":")
    word = function if module == IN_MEMORY else module.rpartition(".")[2]
    return word if word.isidentifier() else "own"


def require_apart(folder: Path, settings: Settings) -> None:
    """Raise `UsageError` if the study's folder is inside the image folder of `folder:PATH`.

    It would be taken for a class of images.
    """
    images = settings.dataset_ref.path
    if images and folder.resolve().is_relative_to(images):
        raise UsageError(f"{folder} would lie among the images in {images}: name another place")


def require_meaning(settings: Settings, budget: Budget, request: SweepRequest) -> None:
    """Raise `UsageError` for options that have no effect in this study or exclude each other.

    Args:
        settings: The settings of the study.
        budget: The budget of the study, including the options of the request.
        request: The request, which says which options were given.
    """
    options = {**request.settings, **request.budget}
    given = {name for name, value in options.items() if value is not False}  # --no-split
    if request.is_async and settings.recipe == "paper":
        raise UsageError(
            "--async knows no rounds, and the searches of --recipe paper count them: leave it out"
        )
    require_method_meaning(settings, given)
    for name in budget.compared:
        listing = [each for each, method in METHODS.items() if not method.has_lam]
        choose(name, listing, "--compare")
        if name == settings.method or budget.compared.count(name) > 1:
            raise UsageError(f"--compare {budget.compare}: leave one {name} out")
    if settings.init and budget.repeats > 1:
        raise UsageError(
            "--repeats above 1 has no meaning with --init: every seed would begin with the same "
            "weights"
        )
    for method in METHODS.values():
        method.allow(settings, budget, given)


def require_method_meaning(settings: Settings, given: Collection[str]) -> None:
    """Raise `UsageError` for options that the study's method does not read.

    Args:
        settings: The settings of the study.
        given: The names of the options that were given.
    """
    method = METHODS[settings.method]
    names = sorted(option_of(name) for name in OF_SEARCHES.intersection(given) - {*method.reads})
    if names and not method.has_lam:
        raise UsageError(
            f"{', '.join(names)}: of searches, and --method {method.name} searches nothing"
        )
    for name, (_, owner) in method_options(Settings).items():
        if name in given and owner is not method:
            raise UsageError(
                f"{option_of(name)} is of --method {owner.name}, and this study has --method "
                f"{method.name}: leave it out"
            )
    if method.complexities and settings.complexity not in method.complexities:
        raise UsageError(
            f"--method {method.name} minimises --complexity {' or '.join(method.complexities)}, "
            f"not {settings.complexity}"
        )
