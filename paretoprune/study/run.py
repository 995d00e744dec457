"""Runs and their results (points) as plain data. Loads no torch."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Literal

Status = Literal["done", "stopped", "diverged", "failed"]
MOMENTS = ("joint", "separate")


@dataclass(frozen=True, kw_only=True)
class Run:
    """One training to be done. Equal runs have equal ids in all versions.

    A field that is added later needs a default that means what older versions did, because a field
    at its default does not enter the id. Fields that are not listed are as in `Settings`.

    Attributes:
        method: The method that trades the objectives off.
        lam: λ, the weight of the complexity; `None` for a method that chooses its own trade-off.
        seed: Seed of the initial weights and of random layers such as dropout.
        complexity_kind: Name of the complexity, as in `Settings.complexity`.
        moments: `joint` for one optimizer, `separate` for one optimizer per objective.
        normalize: What divides the gradients before they are weighted: `none`, `l2` or `loss`.
        split: Whether convolutions are a block with separate weights, whose second objective is
            `l2_conv` times their sum of squares.
        parent: Id of the run whose weights this run starts from; `None` for one from scratch.
        options: Name and value of each further option that is not at its default, sorted. They
            enter the id, and the table, like fields.
    """

    method: str
    lam: float | None
    seed: int
    epochs: int
    batch_size: int
    optimizer: str
    learning_rate: float
    schedule: str
    threshold: float
    complexity_kind: str
    moments: str = "joint"
    momentum: float = 0.0
    l2_conv: float = 0.0
    warm_up: float = 0.0
    normalize: str = "none"
    split: bool = False
    parent: str | None = None
    options: tuple[tuple[str, object], ...] = ()

    @property
    def values(self) -> dict[str, object]:
        """The values of the fields and of the further options, by name."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return dict(values.pop("options")) | values

    @property
    def id(self) -> str:
        """The first twelve hexadecimal digits of the SHA-256 of the fields."""
        defaults = {each.name: each.default for each in fields(self)}
        values = {
            name: value
            for name, value in self.values.items()
            if defaults.get(name, MISSING) is MISSING or value != defaults[name]
        }
        text = json.dumps(values, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One prunable weight tensor at the end of a run; `l1` is its sum of absolute values."""

    name: str
    shape: tuple[int, ...]
    nonzeros: int
    l1: float


@dataclass(frozen=True, kw_only=True)
class Point:
    """The result of a run.

    Attributes:
        run: The run.
        status: How the run ended.
        failure: Why the run is not done; empty if it is.
        values: What was measured, by column of `study.columns`. Losses are means in nats, errors
            are fractions in [0, 1], and FLOPs are those of one sample.
    """

    run: Run
    status: Status = "done"
    failure: str = ""
    values: Mapping[str, object] = field(default_factory=dict)

    def columns(self) -> dict[str, object]:
        """Return the columns of the table that follow from the point, its run's fields included."""
        ends = {"run_id": self.run.id, "status": self.status, "failure": self.failure}
        return {**ends, **self.run.values, **self.values}
