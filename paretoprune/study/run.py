"""Runs and their results (points) as plain data. Loads no torch."""

import hashlib
import json
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Literal

Status = Literal["done", "stopped", "diverged", "failed"]
NAN = float("nan")
WEIGHTED_SUM, SMGD = "weighted-sum", "smgd"  # methods


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
        normalize: How SMGD normalizes the gradients: `none`, `l2` or `loss`.
        split: Whether SMGD treats convolutions as a block with separate weights, whose second
            objective is `l2_conv` times their sum of squares.
        parent: Id of the run whose weights this run starts from; `None` for one from scratch.
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

    @property
    def id(self) -> str:
        """The first twelve hexadecimal digits of the SHA-256 of the fields."""
        values = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.default is MISSING or getattr(self, field.name) != field.default
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
    """The result of a run. What was not measured, as in a run that failed, is NaN, 0 or `None`.

    Losses are means in nats, errors are fractions in [0, 1], and FLOPs are those of one sample.

    Attributes:
        failure: Why the run is not done; empty if it is.
        val_loss_se: Standard error of `val_loss`.
        complexity: Value of the objective that was minimised.
        l1: Sum of the absolute values of the prunable weights.
        parameters: Number of all stored weights and biases.
        compact_parameters: The same after compaction.
        neurons: Neurons of dense layers and filters of convolutions after compaction.
        dense_flops: FLOPs of the dense network.
        flops: FLOPs of the nonzero weights.
        compact_flops: FLOPs of the network after compaction.
        collapsed: Whether the network is no better than the constant prediction.
        layers: One entry for each prunable weight tensor.
        seconds: Wall time of the fleet, divided by its size K.
        started_at: Time at which the training began, in ISO 8601.
    """

    run: Run
    status: Status = "done"
    failure: str = ""
    train_loss: float = NAN
    val_loss: float = NAN
    val_loss_se: float = NAN
    val_error: float = NAN
    test_loss: float = NAN
    test_error: float = NAN
    complexity: float = NAN
    l1: float = NAN
    nonzeros: int = 0
    prunable_weights: int = 0
    parameters: int | None = None
    compact_parameters: int | None = None
    neurons: int | None = None
    dense_flops: int | None = None
    flops: int | None = None
    compact_flops: int | None = None
    collapsed: bool = False
    layers: tuple[Layer, ...] = ()
    seconds: float = NAN
    fleet_size: int = 1
    device: str = ""
    started_at: str = ""

    def row(self) -> dict[str, object]:
        """Return the columns of the table that follow from the point, its run's fields included."""
        values = asdict(self)
        run = values.pop("run")
        share = self.nonzeros / self.prunable_weights if self.prunable_weights else NAN
        return {"run_id": self.run.id, **run, **values, "sparsity": 1 - share}
