"""What is trained, and what came out: plain data, no torch."""

import hashlib
import json
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Literal

Status = Literal["done", "stopped", "diverged", "failed"]
NAN = float("nan")
WEIGHTED_SUM, SMGD = "weighted-sum", "smgd"  # methods


@dataclass(frozen=True, kw_only=True)
class Run:
    """One training to be done. Equal runs have equal ids, for ever.

    `lam` is `None` for a method that chooses its own trade-off. A field that is added later needs
    a default that means what older versions did: a field at its default does not enter the id.
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
        """Twelve hexadecimal digits of the SHA-256 of the fields."""
        values = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.default is MISSING or getattr(self, field.name) != field.default
        }
        text = json.dumps(values, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One prunable weight tensor at the end of a run; `l1` is the sum of absolute values."""

    name: str
    shape: tuple[int, ...]
    nonzeros: int
    l1: float


@dataclass(frozen=True, kw_only=True)
class Point:
    """What came out of a run: losses are means in nats, errors fractions, `seconds` wall time / K.

    A run that failed has NaN for whatever was not measured. `collapsed` says that the network is
    no better than the constant prediction. `parameters` are all numbers that are stored,
    `compact_parameters` and `neurons` (of dense layers, and filters) those that are left without
    the dead ones; FLOPs are those of one sample: of the dense network, of its nonzero weights
    (`flops`), of the compact one.
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
        """The point's part of a row of the table, its run's fields among them."""
        values = asdict(self)
        run = values.pop("run")
        share = self.nonzeros / self.prunable_weights if self.prunable_weights else NAN
        return {"run_id": self.run.id, **run, **values, "sparsity": 1 - share}
