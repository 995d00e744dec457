"""Request for a sweep: what a user asks for, and whether it has a meaning."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from paretoprune.errors import UsageError
from paretoprune.problem.build import Environment
from paretoprune.runner.executors import LOCAL
from paretoprune.runner.executors.ray import RayConfig
from paretoprune.study.dataset_ref import is_user_code
from paretoprune.study.run import SMGD
from paretoprune.study.settings import Budget, Settings
from paretoprune.study.storage.tensors import read_tensors
from paretoprune.study.user_code import IN_MEMORY, Function, find
from paretoprune.study.validation import option_of, require

# Fields that only a search, or only the comparison with SMGD, reads.
OF_SEARCHES = {"search", "warm_up", "round_size", "max_runs", "tolerance", "repeats"}
OF_SMGD = {"smgd_epochs", "moments", "normalize", "split"}


@dataclass(frozen=True, kw_only=True)
class SweepRequest:
    """What a user asks of a sweep; what they leave open, the study knows or chooses.

    Attributes:
        folder: The study; `None` for one named after data and model.
        settings: Fields of `Settings` that were given.
        budget: Fields of `Budget` that were given.
        time_budget: Seconds after which no further round begins.
        is_fail_fast: Whether the first run that fails or diverges ends the sweep.
        is_retry: Whether runs that failed before are trained again.
        is_async: Whether runs are proposed without waiting for a round to be complete.
        environment: What the machine or the program adds to the settings.
        executor: Where fleets are trained, a key of `EXECUTORS`.
        ray: The Ray cluster, and what a fleet takes of it, for the executor `ray`.
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
        """Return the environment in which the problem of a study is built here.

        Data are prepared on the CPU where workers have the devices.
        """
        environment = self.environment
        if self.executor != LOCAL:
            environment = replace(environment, device="cpu")
        return with_initial(environment, settings)

    def user_functions(self, settings: Settings) -> list[Function]:
        """Return the user's functions that a fleet calls."""
        given = self.environment
        named = ((given.model, settings.model, "--model"), (given.loss, settings.loss, "--loss"))
        return [
            own or find(name, option) for own, name, option in named if own or is_user_code(name)
        ]


def with_initial(environment: Environment, settings: Settings) -> Environment:
    """Return the environment with the initial weights that the settings name."""
    initial = read_tensors(Path(settings.init)) if settings.init else {}
    return replace(environment, initial=initial)


def default_folder(settings: Settings) -> Path:
    """Where a study goes that has no name: `DATASET-MODEL`, here; of own code its module's name."""
    dataset = settings.dataset_ref
    name = dataset.path.name if dataset.path else word_of(dataset.name)
    words = [name, word_of(settings.model)]
    return Path("-".join(dict.fromkeys(words)))


def word_of(name: str) -> str:
    """A short name of a data set or a model."""
    if not is_user_code(name):
        return name
    module, _, function = name.partition(":")
    word = function if module == IN_MEMORY else module.rpartition(".")[2]
    return word if word.isidentifier() else "own"


def require_apart(folder: Path, settings: Settings) -> None:
    """Raise `UsageError` where a study would lie among the images of `folder:PATH`, as a class."""
    images = settings.dataset_ref.path
    if images and folder.resolve().is_relative_to(images):
        raise UsageError(f"{folder} would lie among the images in {images}: name another place")


def require_meaning(settings: Settings, budget: Budget, request: SweepRequest) -> None:
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
