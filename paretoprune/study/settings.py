"""Is this study possible? What a user may set, checked before anything trains; no torch."""

import difflib
import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self, TypeVar, get_type_hints

from paretoprune.errors import UsageError
from paretoprune.study.defaults import FOLDER, RECIPES, complete, name_and_path
from paretoprune.study.metric import ACCURACY, QUALITIES
from paretoprune.study.run import SMGD, WEIGHTED_SUM

AUTO = "auto"
AUTO_MODEL = ("model", AUTO)
MANY = 1_000_000
LARGEST = 2**63  # TOML's whole numbers are smaller; Python's reader takes any
DATA_VARIABLE = "PARETOPRUNE_DATA"
INPUTS = ("unit", "standard")
OWN = "package.module:function"  # how a user's own code is named
DEVICES = (AUTO, "cpu", "cuda")
METHODS = (WEIGHTED_SUM, SMGD)
MOMENTS = ("joint", "separate")
NORMALIZE = ("none", "l2", "loss")
KEPT_WEIGHTS = ("auto", "front", "all", "none")

OPTION_OF = {"learning_rate": "--lr", "round_size": "--round"}


def option_of(field: str) -> str:
    """The command-line option that sets a field."""
    return OPTION_OF.get(field, f"--{field.replace('_', '-')}")


def choose(name: str, choices: Iterable[str], option: str, also: str = "") -> str:
    """Return `name` if it is one of `choices`; else raise `UsageError` with the nearest one.

    `also` is another form that it may have.
    """
    known = list(choices)
    if name in known:
        return name
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}? " if near else ""
    other = f", or {also}" if also else ""
    raise UsageError(f"{option} {name} is unknown: {hint}Choose from {', '.join(known)}{other}")


def require(holds: bool, option: str, value: object, rule: str) -> None:
    """Raise `UsageError` saying that `option` `value` breaks `rule`, unless it holds."""
    if not holds:
        raise UsageError(f"{option} {value} is out of range: it must be {rule}")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The identity of a study: with another value of any of these it is another study.

    `learning_rate` is the rate before the schedule, `threshold` the ITP threshold, `validation`
    the share of the training images kept for validation, `image_size` in pixels (0: chosen by the
    data), `inputs` whether images are scaled to [0, 1] (`unit`) or standardised, `l2_conv` the
    factor of the convolutions' sum of squares, `warm_up` the share of a run over which lam rises
    from 0 to its value. With `method` smgd nothing is searched: the study
    holds SMGD runs alone. `model`, `dataset` and `loss` may name own code, `module:function`;
    `prunable` and `exclude` hold kinds of layers and patterns on their names, with commas between;
    `init` is the path of the weights that every run begins with. Raises `UsageError` on creation.
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

    @classmethod
    def from_options(cls, given: Mapping[str, Any]) -> Self:
        """Complete the options that a user gave with the defaults of their data set."""
        return cls(**complete(plain(given)))

    def differences(self, given: Mapping[str, Any]) -> list[str]:
        """Name each given option whose value is not the study's, with both values."""
        stored = asdict(self)
        return [
            f"{option_of(name)} is {stored[name]}, not {value}"
            for name, value in plain(given).items()
            if value != stored[name]
        ]


def plain(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options without `auto`, and with the absolute paths of `folder:PATH` and `--init`.

    So a study knows its files wherever the next command is typed.
    """
    chosen = {name: value for name, value in given.items() if (name, value) != AUTO_MODEL}
    name, path = name_and_path(chosen.get("dataset", ""))
    if name == FOLDER and path:
        chosen["dataset"] = f"{FOLDER}:{Path(path).expanduser().resolve()}"
    if chosen.get("init"):
        chosen["init"] = str(Path(chosen["init"]).expanduser().resolve())
    return chosen


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What may change at every call and is remembered by the study.

    `max_runs` is the total of search runs for each seed, `tolerance` the estimated gain below
    which an interval closes, `repeats` the number of seeds for each lam, `fleet` the number K of
    networks that are trained together (0: chosen by paretoprune), `keep_weights` whose weights
    stay on disk (`auto`: all while they stay under 1 GB in total, then the front's).

    `smgd` is the number of SMGD runs that the front is compared with, each with a seed of its own,
    `smgd_epochs` their epochs (0: the sweep's); `moments`, `normalize` and `split` say how they
    combine the gradients. Runs that are in the study already stay when these change.
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
    """What is measured once, when a study begins.

    `lam_ref` is the initial loss over the initial complexity, `constant_loss` the validation loss
    (nats) of the best constant prediction, `prunable_weights` their number in one network;
    `fleet_size` the number of networks whose training together takes least time for each (0: not
    yet measured), `largest_fleet` the number that memory allows (0: it was never too small),
    `quality` the name of 1 - error, `init_digest` the SHA-256 of the file of initial weights.
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

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name == "quality":
                choose(value, QUALITIES, name)
            elif name == "init_digest":
                continue
            elif name in ("fleet_size", "largest_fleet"):
                require(0 <= value < math.inf, name, value, "0 or more")
            else:
                require(0 < value < math.inf, name, value, "a number above 0")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that a study knows before its first run; what `study.toml` holds."""

    settings: Settings
    budget: Budget
    measured: Measured


Table = TypeVar("Table", bound="Settings | Budget | Measured")


def from_table(kind: type[Table], table: Mapping[str, Any]) -> Table:
    """Read a dataclass from a TOML table; raise `ValueError` for what does not fit.

    A field that an older version did not write takes its default, so a field that is added later
    needs a default that reproduces the old behaviour. A whole number stands for a real one.
    """
    kinds = get_type_hints(kind)
    needed = {field.name for field in fields(kind) if field.default is MISSING}
    odd = sorted((needed - table.keys()) | (table.keys() - kinds.keys()))
    if odd:
        raise ValueError(
            f"missing or unknown entries, perhaps a newer paretoprune's: {', '.join(odd)}"
        )
    for name, value in table.items():
        fits = (int, float) if kinds[name] is float else kinds[name]
        if not isinstance(value, fits) or isinstance(value, bool) != (fits is bool):
            raise ValueError(f"{name} is {value!r}")
        if isinstance(value, int) and abs(value) >= LARGEST:
            raise ValueError(f"{name} has more digits than a number of TOML")
    return kind(**table)


def data_folder(given: str | Path | None) -> Path:
    """Where data are: what the user says, or the environment, or a cache."""
    return Path(given or os.environ.get(DATA_VARIABLE) or "~/.cache/paretoprune").expanduser()


UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_duration(text: str) -> float:
    """Read a duration such as `90`, `90s`, `10m` or `1.5h`; the result is in seconds."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text.strip())
    if match is None or float(match[1]) == 0:
        raise UsageError(f"--time-budget {text} is not a duration: write it like 90s, 10m or 1.5h")
    return float(match[1]) * UNITS[match[2] or "s"]


def parse_fleet(text: str) -> int:
    """Read `--fleet`: `auto` is 0."""
    if text == AUTO:
        return 0
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"--fleet {text} is not auto or a number of networks, such as 4")
    return int(text)
