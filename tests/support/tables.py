"""Tables of points: from literal rows, and from training on fronts known in closed form."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
import pyarrow as pa

from paretoprune.analysis.aggregate import over_seeds
from paretoprune.search import Proposal, Search, SearchSettings
from paretoprune.study.columns import COLUMNS
from paretoprune.study.row import assemble
from paretoprune.study.run import Point, Run
from paretoprune.study.storage import SCHEMA

RUN = {
    "method": "weighted-sum",
    "lam": 0.0,
    "seed": 0,
    "epochs": 1,
    "batch_size": 1,
    "optimizer": "adam",
    "learning_rate": 0.01,
    "schedule": "cosine",
    "threshold": 0.001,
    "complexity_kind": "l1",
}
STUDY = {"round": 0, "role": "search", "search": "knee"}
MEASURED = {"train_loss": 1.0, "val_error": 0.1, "complexity": 10.0, "nonzeros": 100}
CONSTANT_LOSS = 2.3  # nats: what the best constant prediction has
PRUNABLE = 1_000_000
SIZES = [name for name, column in COLUMNS.items() if column.older is None]
OLD: dict[str, object] = dict.fromkeys(SIZES)  # what no older version counted


def table(rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """The table of a study, as `store.read` gives it; a row need not say more than matters.

    A row may hold any field of `Run` and `Point` and any column that the study adds. Sizes are
    those of one layer without biases, in which nothing is dead; those of `OLD` are not known.
    """
    return pa.Table.from_pylist([_row(row) for row in rows], SCHEMA).to_pandas()


def _row(given: Mapping[str, object]) -> dict[str, object]:
    unknown = given.keys() - set(SCHEMA.names)
    assert not unknown, f"no column is called {unknown}"
    is_done = given.get("status", "done") == "done"
    measured = {**MEASURED, **given} if is_done else {**given}
    if is_done:
        measured.setdefault("val_loss", measured["train_loss"])
        measured.setdefault("test_loss", measured["val_loss"])
        measured.setdefault("test_error", measured["val_error"])
        measured.setdefault("l1", measured["complexity"])
        measured = {"val_loss_se": 0.0, "seconds": 0.0, "prunable_weights": 1000, **measured}
        measured = {**_sizes(measured), **measured}
        measured.setdefault("sparsity", 1 - measured["nonzeros"] / measured["prunable_weights"])
    chosen = RUN | given
    run = Run(**{field.name: chosen[field.name] for field in fields(Run) if field.name in chosen})
    unmeasured = {"prunable_weights": 1000, "sparsity": 1.0}
    return assemble(COLUMNS, STUDY | unmeasured | Point(run=run).columns() | measured)


def _sizes(row: Mapping[str, object]) -> dict[str, object]:
    weights, nonzeros = row["prunable_weights"], row["nonzeros"]
    return {
        **dict.fromkeys(("parameters", "compact_parameters"), weights),
        "neurons": 10,
        **dict.fromkeys(("dense_flops", "compact_flops"), 2 * weights),
        "flops": 2 * nonzeros,
    }


def corner(
    lam: float, loss: float, complexity: float, share: float = 1.0, **also: object
) -> dict[str, object]:
    """A row at a given place; `share` of its weights is left."""
    return {
        "lam": lam,
        "train_loss": loss,
        "complexity": complexity,
        "nonzeros": round(share * PRUNABLE),
        "prunable_weights": PRUNABLE,
        **also,
    }


@dataclass(frozen=True)
class Front:
    """A convex front in closed form: what an ideal training at `lam` returns.

    `loss` and `complexity` are each other's inverses, `steepness` is the inverse of minus the
    derivative of `loss`, `widest` the complexity of the network at `lam` = 0.
    """

    name: str
    widest: float
    loss: Callable[[float], float]
    complexity: Callable[[float], float]
    steepness: Callable[[float], float]

    @property
    def lam_ref(self) -> float:
        return CONSTANT_LOSS / self.widest

    def minimiser(self, lam: float) -> float:
        """The complexity that minimises `(1 - lam) * loss + lam * complexity`."""
        if lam == 0:
            return self.widest
        return min(max(self.steepness(lam / (1 - lam)), 0.0), self.widest)

    def train(self, lam: float, **also: object) -> dict[str, object]:
        """The row of a run at `lam` that ends at its optimum."""
        return self.row(lam, self.minimiser(lam), **also)

    def undertrain(self, lam: float, **also: object) -> dict[str, object]:
        """The row of a run at `lam` that is always late: it ends at the optimum of `lam / 4`."""
        return self.row(lam, self.minimiser(lam / 4), **also)

    def row(self, lam: float, complexity: float, noise: float = 1.0, **also: object) -> dict:
        """The row of a run that ended on the front, or `noise` times its loss off it."""
        loss = self.loss(complexity) * noise if complexity > 0 else CONSTANT_LOSS
        collapsed = loss >= CONSTANT_LOSS
        return corner(lam, loss, complexity, complexity / self.widest, collapsed=collapsed, **also)


def power_law(a: float, p: float, widest: float) -> Front:
    """The front `loss = a / complexity**p`."""
    return Front(
        name=f"power-{p}",
        widest=widest,
        loss=lambda c: a / c**p,
        complexity=lambda loss: (a / loss) ** (1 / p),
        steepness=lambda odds: (a * p / odds) ** (1 / (p + 1)),
    )


def exponential(scale: float, widest: float) -> Front:
    """The front `loss = CONSTANT_LOSS * exp(-complexity / scale)`."""
    return Front(
        name="exponential",
        widest=widest,
        loss=lambda c: CONSTANT_LOSS * math.exp(-c / scale),
        complexity=lambda loss: -scale * math.log(loss / CONSTANT_LOSS),
        steepness=lambda odds: -scale * math.log(odds * scale / CONSTANT_LOSS),
    )


FRONTS = (
    power_law(20.0, 1.0, widest=3000.0),
    power_law(5.0, 0.5, widest=500.0),
    power_law(1000.0, 2.0, widest=2000.0),
    exponential(100.0, widest=1000.0),
)


def noisy(front: Front, size: float, seed: int) -> Callable[[float], dict[str, object]]:
    """A training whose loss and complexity scatter by `size`, the same each time for one lam."""

    def train(lam: float) -> dict[str, object]:
        rng = np.random.default_rng([seed, int(lam * 1e12)])
        on_loss, on_complexity = np.exp(size * rng.standard_normal(2))
        ideal = front.minimiser(lam)
        row = front.row(lam, ideal, noise=float(on_loss))
        return {**row, "complexity": ideal * float(on_complexity)}

    return train


def samples() -> dict[str, list[dict[str, object]]]:
    """Rows of all kinds: nothing, the middle of a sweep, noise, ties, dead points."""
    front = FRONTS[2]
    lams = [0.0, *(float(f"{lam:.6g}") for lam in np.geomspace(1e-5, 0.3, 11))]
    exact = [front.train(lam) for lam in lams]
    failed = [{"lam": lam, "status": "failed", "failure": "no memory"} for lam in lams]
    return {
        "nothing": [],
        "exact": exact,
        "noise": [noisy(front, 0.3, seed=1)(lam) for lam in lams],
        "some failed": [*exact[:4], *failed[4:6], *exact[6:]],
        "ties": [corner(lam, 0.1, 5.0) for lam in lams],
        "val_losses alike": [{**row, "val_loss": 1.0} for row in exact],
        "losses of zero": [corner(lam, 0.0, 50.0 / (1 + i)) for i, lam in enumerate(lams)],
    }


SAMPLES = samples()


def sweep(
    search: Search,
    settings: SearchSettings,
    train: Callable[[float], Mapping[str, object]],
    most: int,
    check: Callable[[Proposal, pd.DataFrame, SearchSettings], None] = lambda *_: None,
) -> tuple[pd.DataFrame, Proposal]:
    """Train what a search proposes, round after round, until it proposes nothing."""
    rows: list[Mapping[str, object]] = []
    while True:
        points = over_seeds(table(rows))
        proposal = search(points, settings)
        check(proposal, points, settings)
        if not proposal.lams:
            return points, proposal
        rows += [
            {**train(lam), "round": points["round"].max() + 1 if rows else 0}
            for lam in proposal.lams
        ]
        assert len(rows) <= most, f"no end after {len(rows)} runs"
