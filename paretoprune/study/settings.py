"""Settings: the identity of a study, validated before anything is trained. Loads no torch."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Self

from paretoprune.errors import UsageError
from paretoprune.study.column import MANY
from paretoprune.study.dataset_ref import FOLDER, DatasetRef
from paretoprune.study.defaults import RECIPES, USER_MODEL, complete, default_help, defaults_for
from paretoprune.study.options import (
    PROBLEM,
    SEARCH,
    TRAINING,
    Rule,
    at_least,
    from_values,
    one_of,
    option,
    option_of,
    require,
    require_valid,
    values_of,
    within,
)
from paretoprune.study.parsing import AUTO

AUTO_MODEL = ("model", AUTO)
DATA_VARIABLE = "PARETOPRUNE_DATA"
INPUTS = ("unit", "standard")
USER_CODE = "package.module:function"  # the form in which user code is named
DEVICES = (AUTO, "cpu", "cuda")

_of_problem = partial(option, panel=PROBLEM, in_check=True)
_of_training = partial(option, panel=TRAINING, in_check=True)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The identity of a study: a study with another value of any of these is another study.

    `further` has the name and value of each option that the study's method declares. Raises
    `UsageError` on creation if a value is out of range.
    """

    dataset: str = _of_problem(
        "digits",
        f"digits | mnist | fashion-mnist | cifar10 | folder:PATH | {USER_CODE} (default: digits)",
    )
    model: str = _of_problem(
        "mlp",
        f"auto | mlp | lenet5 | lenet5-caffe | vgg | {USER_CODE} "
        f"(default: {defaults_for('model')})",
    )
    loss: str = _of_problem(
        "cross-entropy", f"cross-entropy | mse | {USER_CODE} (default: cross-entropy)"
    )
    init: str = _of_problem("", "Weights that every run starts with: a .safetensors file")
    prunable: str = _of_problem(
        "linear",
        "Layers whose weights count: linear | conv | all, patterns on names such as 'features.*', "
        f"with commas between (default: linear, {USER_MODEL['prunable']} for your own model)",
    )
    exclude: str = _of_problem("", "Layers whose weights do not count, as in --prunable")
    complexity: str = _of_problem(
        "l1",
        "Second objective: l1, the sum of |w| | l1-flops, each layer's by the FLOPs of a weight | "
        "group-l1, whole neurons and filters (default: l1)",
        of_run="complexity_kind",
    )
    validation: float = _of_problem(
        0.1,
        "Share of training samples for validation (default: 0.1)",
        valid=Rule(lambda share: 0 < share < 1, "between 0 and 1"),
    )
    image_size: int = _of_problem(
        0,
        "Side of folder images in pixels (default: the smallest side, at most 64)",
        valid=Rule(lambda side: side == 0 or 4 <= side <= 1024, "from 4 to 1024"),
    )
    inputs: str = _of_problem(
        "unit",
        "unit, images in [0, 1] and numbers as they are | standard, z-scored "
        f"(default: {defaults_for('inputs', 'unit')})",
        valid=one_of(INPUTS),
    )
    recipe: str = _of_training(
        "own",
        "own | paper: the authors' settings and literal constants (default: own)",
        valid=one_of(RECIPES),
    )
    epochs: int = _of_training(
        10,
        f"Epochs of a run (default: {defaults_for('epochs')}; else 10)",
        valid=within(1, MANY),
        of_run="epochs",
    )
    batch_size: int = _of_training(
        64,
        f"Samples per step (default: {defaults_for('batch_size')}; else 64)",
        valid=within(1, MANY),
        of_run="batch_size",
    )
    optimizer: str = _of_training(
        "adam", "adam | sgd | rmsprop (default: adam)", of_run="optimizer"
    )
    learning_rate: float = _of_training(
        1e-2,
        f"Learning rate at the start (default, with adam: {defaults_for('learning_rate')}; "
        f"{USER_MODEL['learning_rate']} for your own model)",
        valid=at_least(1e-30, "a number above 0"),
        of_run="learning_rate",
    )
    momentum: float = _of_training(
        0.0,
        "Of sgd and rmsprop (default: 0.9 for sgd, else 0)",
        valid=Rule(lambda momentum: 0 <= momentum < 1, "at least 0 and less than 1"),
        of_run="momentum",
    )
    l2_conv: float = _of_training(
        0.0,
        "Factor of the convolutions' sum of squares, added to the weighted sum (default: 0)",
        valid=at_least(0),
        of_run="l2_conv",
    )
    schedule: str = _of_training(
        "cosine",
        "Of the rate: cosine | constant | logistic (default: cosine)",
        of_run="schedule",
    )
    threshold: float = _of_training(
        1e-3,
        f"Weights up to this size become 0 after each step (default: {default_help('threshold')})",
        valid=at_least(0),
        of_run="threshold",
    )
    warm_up: float = _of_training(
        0.0,
        f"Share of a run over which λ rises from 0 (default: {default_help('warm_up')})",
        valid=within(0, 1),
        of_run="warm_up",
        of_search=True,
    )
    seed: int = _of_training(
        0,
        "Of weights, validation split and order (default: 0)",
        valid=within(0, 2**31 - 1),
        of_run="seed",
    )
    method: str = option(
        "weighted-sum",
        "How a run trades the objectives off",
        SEARCH,
        in_check=True,
        valid=Rule(lambda name: name.isprintable() and len(name) < 100, "a name"),
    )
    search: str = option(
        "knee",
        "Which λ next: knee | grid | bisection | dichotomic | stochastic-dichotomic "
        "(default: knee)",
        SEARCH,
        of_search=True,
    )
    round_size: int = option(
        8,
        "Runs proposed at once (default: 8)",
        SEARCH,
        valid=within(2, 1000),
        of_search=True,
        in_check=True,
    )

    further: tuple[tuple[str, object], ...] = ()

    def __post_init__(self) -> None:
        require_valid(self)
        if self.recipe == "paper" and self.search == "knee":
            raise UsageError(
                "--search knee has no meaning with --recipe paper, whose λ is no weight of a sum: "
                "choose grid, bisection, dichotomic or stochastic-dichotomic"
            )
        for name in ("prunable", "exclude"):  # patterns are printed
            value = getattr(self, name)
            require(value.isprintable(), option_of(name), ascii(value), "text of one line")

    @cached_property
    def dataset_ref(self) -> DatasetRef:
        """The data set, parsed."""
        return DatasetRef.parse(self.dataset)

    @classmethod
    def from_options(cls, given: Mapping[str, Any]) -> Self:
        """Complete the options that the user gave with their defaults, as `complete` does."""
        return from_values(cls, complete(resolved(given)))

    def differences(self, given: Mapping[str, Any]) -> list[str]:
        """List the given options whose values differ from the study's, with both values."""
        stored = values_of(self)
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


def data_folder(given: str | Path | None) -> Path:
    """Return the folder of the data: the given one, else that of the environment, else a cache."""
    return Path(given or os.environ.get(DATA_VARIABLE) or "~/.cache/paretoprune").expanduser()
