"""Settings, budget and plan of a study, validated before anything is trained. Loads no torch."""

import math
import os
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar, get_type_hints

from paretoprune.errors import UsageError
from paretoprune.study.column import MANY
from paretoprune.study.dataset_ref import FOLDER, DatasetRef
from paretoprune.study.defaults import RECIPES, complete
from paretoprune.study.metric import ACCURACY, METRICS
from paretoprune.study.run import SMGD, WEIGHTED_SUM
from paretoprune.study.validation import choose, option_of, require

AUTO = "auto"
AUTO_MODEL = ("model", AUTO)
LARGEST = 2**63  # integers of TOML are smaller, but Python's reader accepts any
DATA_VARIABLE = "PARETOPRUNE_DATA"
INPUTS = ("unit", "standard")
USER_CODE = "package.module:function"  # the form in which user code is named
DEVICES = (AUTO, "cpu", "cuda")
METHODS = (WEIGHTED_SUM, SMGD)
MOMENTS = ("joint", "separate")
NORMALIZE = ("none", "l2", "loss")
KEPT_WEIGHTS = ("auto", "front", "all", "none")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The identity of a study: a study with another value of any of these is another study.

    Raises `UsageError` on creation if a value is out of range.

    Attributes:
        dataset, model, loss: A known name, or user code as `module:function`.
        init: Path of the weights that every run starts with; empty for random ones.
        prunable, exclude: Kinds of layers and patterns on layer names, separated by commas.
        validation: Share of the training samples that is kept for validation.
        image_size: Side of the images in pixels; 0 lets the data decide.
        inputs: `unit` scales images to [0, 1], `standard` standardizes the inputs.
        learning_rate: Learning rate before the schedule.
        l2_conv: Factor of the sum of squares of the convolutions' weights.
        threshold: The ITP threshold.
        warm_up: Share of a run over which λ rises from 0 to its value.
        method: With `smgd` there is no search, and the study holds SMGD runs only.
    """

    dataset: str = "digits"
    model: str = "mlp"
    loss: str = "cross-entropy"
    init: str = ""
    prunable: str = "linear"
    exclude: str = ""
    complexity: str = "l1"
    validation: float = 0.1
    image_size: int = 0
    inputs: str = "unit"
    recipe: str = "own"
    epochs: int = 10
    batch_size: int = 64
    optimizer: str = "adam"
    learning_rate: float = 1e-2
    momentum: float = 0.0
    l2_conv: float = 0.0
    schedule: str = "cosine"
    threshold: float = 1e-3
    warm_up: float = 0.0
    method: str = WEIGHTED_SUM
    search: str = "knee"
    round_size: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        rate = self.learning_rate
        choose(self.method, METHODS, "--method")
        if self.recipe == "paper" and self.search == "knee":
            raise UsageError(
                "--search knee has no meaning with --recipe paper, whose λ is no weight of a sum: "
                "choose grid, bisection, dichotomic or stochastic-dichotomic"
            )
        for name in ("prunable", "exclude"):  # patterns are printed
            value = getattr(self, name)
            require(value.isprintable(), option_of(name), ascii(value), "text of one line")
        require(0 < self.validation < 1, "--validation", self.validation, "between 0 and 1")
        choose(self.inputs, INPUTS, "--inputs")
        choose(self.recipe, RECIPES, "--recipe")
        small = self.image_size == 0 or 4 <= self.image_size <= 1024
        require(small, "--image-size", self.image_size, "from 4 to 1024")
        require(0 <= self.momentum < 1, "--momentum", self.momentum, "at least 0 and less than 1")
        require(0 <= self.l2_conv < math.inf, "--l2-conv", self.l2_conv, "0 or more")
        require(1 <= self.epochs <= MANY, "--epochs", self.epochs, f"from 1 to {MANY}")
        require(1 <= self.batch_size <= MANY, "--batch-size", self.batch_size, f"from 1 to {MANY}")
        require(1e-30 <= rate < math.inf, "--lr", rate, "a number above 0")
        require(0 <= self.threshold < math.inf, "--threshold", self.threshold, "0 or more")
        require(0 <= self.warm_up <= 1, "--warm-up", self.warm_up, "from 0 to 1")
        require(2 <= self.round_size <= 1000, "--round", self.round_size, "from 2 to 1000")
        require(0 <= self.seed < 2**31, "--seed", self.seed, "from 0 to 2147483647")

    @cached_property
    def dataset_ref(self) -> DatasetRef:
        """The data set, parsed."""
        return DatasetRef.parse(self.dataset)

    @classmethod
    def from_options(cls, given: Mapping[str, Any]) -> Self:
        """Complete the options that the user gave with their defaults, as `complete` does."""
        return cls(**complete(resolved(given)))

    def differences(self, given: Mapping[str, Any]) -> list[str]:
        """List the given options whose values differ from the study's, with both values."""
        stored = asdict(self)
        return [
            f"{option_of(name)} is {stored[name]}, not {value}"
            for name, value in resolved(given).items()
            if value != stored[name]
        ]


def resolved(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options without `--model auto`, and with absolute paths.

    The paths are those of `folder:PATH` and `--init`. A study then finds these files in whichever
    folder the next command is run.
    """
    chosen = {name: value for name, value in given.items() if (name, value) != AUTO_MODEL}
    path = DatasetRef.parse(chosen.get("dataset", "")).path
    if path:
        chosen["dataset"] = str(DatasetRef(FOLDER, path.expanduser().resolve()))
    if chosen.get("init"):
        chosen["init"] = str(Path(chosen["init"]).expanduser().resolve())
    return chosen


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The options that may change at every call; the study stores their latest values.

    Runs that are already in the study stay when the budget changes. Raises `UsageError` on
    creation if a value is out of range.

    Attributes:
        max_runs: Total number of search runs per seed.
        tolerance: Acquisition value (estimated hypervolume gain) below which an interval closes.
        repeats: Number of seeds per λ.
        fleet: Number K of networks that are trained together; 0 lets paretoprune choose.
        keep_weights: Runs whose weights stay on disk. `auto` keeps all of them up to 1 GB in
            total, and beyond that deletes those of runs that are on no front.
        smgd: Number of SMGD runs that the front is compared with, each with a different seed.
        smgd_epochs: Epochs of the SMGD runs; 0 takes those of the sweep.
        moments, normalize, split: How the SMGD runs combine the gradients; see `Run`.
    """

    max_runs: int = 20
    tolerance: float = 0.0001
    repeats: int = 1
    fleet: int = 0
    keep_weights: str = "auto"
    smgd: int = 0
    smgd_epochs: int = 0
    moments: str = "joint"
    normalize: str = "none"
    split: bool = False

    def __post_init__(self) -> None:
        require(1 <= self.max_runs <= MANY, "--max-runs", self.max_runs, f"from 1 to {MANY}")
        require(0 <= self.tolerance < math.inf, "--tolerance", self.tolerance, "0 or more")
        require(1 <= self.repeats <= 1000, "--repeats", self.repeats, "from 1 to 1000")
        choose(self.keep_weights, KEPT_WEIGHTS, "--keep-weights")
        choose(self.moments, MOMENTS, "--moments")
        choose(self.normalize, NORMALIZE, "--normalize")
        require(0 <= self.smgd <= 1000, "--smgd", self.smgd, "from 0 to 1000")
        longest = f"from 0, the sweep's own, to {MANY}"
        require(0 <= self.smgd_epochs <= MANY, "--smgd-epochs", self.smgd_epochs, longest)
        require(0 <= self.fleet <= 10_000, "--fleet", self.fleet, "auto or from 1 to 10000")


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Values that are measured once, when a study begins.

    Attributes:
        lam_ref: λ_ref, the initial training loss divided by the initial complexity.
        constant_loss: Validation loss of the best constant prediction (nats for cross-entropy).
        prunable_weights: Number of prunable weights of one network.
        fleet_size: Fleet size of `--fleet auto`: the size of a round, less if memory is small.
            Older versions stored the fastest size, or 0 if it was never measured.
        largest_fleet: Largest fleet size that memory allows; 0 if memory was never too small.
        quality: Name of the metric (1 - error), one of `METRICS`.
        init_digest: SHA-256 of the file of initial weights; empty without one.
        is_stacked: Optimizers see a fleet's networks as one tensor, as in the first studies, so
            that their tables depend on the fleet size.
    """

    lam_ref: float
    constant_loss: float
    prunable_weights: int
    validation_images: int
    test_images: int
    fleet_size: int = 0
    largest_fleet: int = 0
    quality: str = ACCURACY
    init_digest: str = ""
    is_stacked: bool = True

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name == "quality":
                choose(value, METRICS, name)
            elif name in ("init_digest", "is_stacked"):
                continue
            elif name in ("fleet_size", "largest_fleet"):
                require(0 <= value < math.inf, name, value, "0 or more")
            else:
                require(0 < value < math.inf, name, value, "a number above 0")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that a study knows before its first run: the content of `study.toml`."""

    settings: Settings
    budget: Budget
    measured: Measured

    @property
    def fleet_size(self) -> int:
        """Number K of networks that are trained together."""
        size = self.budget.fleet or self.measured.fleet_size or self.settings.round_size
        largest = self.measured.largest_fleet
        return min(size, largest) if largest else size


Table = TypeVar("Table", bound="Settings | Budget | Measured")


def from_table(kind: type[Table], table: Mapping[str, Any]) -> Table:
    """Read a dataclass from a TOML table; raise `ValueError` for entries that do not fit it.

    A field that an older version did not write takes its default, so a field that is added later
    needs a default that reproduces the old behaviour. An integer is accepted for a float.
    """
    kinds = get_type_hints(kind)
    needed = {field.name for field in fields(kind) if field.default is MISSING}
    mismatched = sorted((needed - table.keys()) | (table.keys() - kinds.keys()))
    if mismatched:
        raise ValueError(
            f"missing or unknown entries, perhaps a newer paretoprune's: {', '.join(mismatched)}"
        )
    for name, value in table.items():
        fits = (int, float) if kinds[name] is float else kinds[name]
        if not isinstance(value, fits) or isinstance(value, bool) != (fits is bool):
            raise ValueError(f"{name} is {value!r}")
        if isinstance(value, int) and abs(value) >= LARGEST:
            raise ValueError(f"{name} has more digits than a number of TOML")
    return kind(**table)


def data_folder(given: str | Path | None) -> Path:
    """Return the folder of the data: the given one, else that of the environment, else a cache."""
    return Path(given or os.environ.get(DATA_VARIABLE) or "~/.cache/paretoprune").expanduser()
