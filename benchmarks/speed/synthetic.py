"""Made-up studies of LeNet-5s on the front loss = 4 nats / l1, or off it by noise."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from paretoprune.problem.models import MODELS
from paretoprune.pruning.selection import prunable_names
from paretoprune.runner.rounds import Round
from paretoprune.runner.runs import run_template
from paretoprune.study import storage
from paretoprune.study.plan import Budget, Measured, Plan
from paretoprune.study.run import Layer, Point, Run
from paretoprune.study.settings import Settings
from paretoprune.training.outcome import Outcome

MANY = 10_000  # rows of a large study
FLEET = 8
NOISE = 0.1  # standard deviation of the logarithms of loss and l1, as between seeds
STEEPNESS, WIDEST = 4.0, 3500.0  # the front is loss = STEEPNESS / l1, up to WIDEST
IMAGES = 6000  # of validation
SETTINGS = Settings.from_options({"dataset": "mnist"})

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Case:
    """A study on disk with its table as it was built, and a fleet that is to be added."""

    folder: Path
    plan: Plan
    table: bytes
    round: Round
    fleet: Sequence[Outcome]


def network() -> tuple[dict[str, np.ndarray], Shapes]:
    """The weights of a LeNet-5, and the shapes of those that are prunable."""
    model = MODELS[SETTINGS.model]((1, 28, 28), 10)
    weights = {name: value.numpy() for name, value in model.state_dict().items()}
    return weights, {name: weights[name].shape for name in prunable_names(model, "linear")}


def point_of(run: Run, shapes: Shapes, noise: float) -> Point:
    """Where a training of this lam ends: at its optimum on the front, but for noise."""
    lam = run.lam or 0.0
    optimum = min(math.sqrt(STEEPNESS * (1 - lam) / lam), WIDEST) if lam else WIDEST
    rng = np.random.default_rng(round(lam * 1e12))
    on_loss, on_l1 = np.exp(noise * rng.standard_normal(2)).tolist()
    loss, l1, share = on_loss * STEEPNESS / optimum, on_l1 * optimum, optimum / WIDEST
    sizes = {name: math.prod(shape) for name, shape in shapes.items()}
    total = sum(sizes.values())
    layers = tuple(
        Layer(name=name, shape=shapes[name], nonzeros=round(share * size), l1=l1 * size / total)
        for name, size in sizes.items()
    )
    left = sum(layer.nonzeros for layer in layers)
    return Point(
        run=run,
        values={
            "train_loss": loss,
            "val_loss": loss,
            "val_loss_se": loss / 20,
            "val_error": round(IMAGES * loss / 4) / IMAGES,
            "test_loss": loss,
            "test_error": loss / 4,
            "complexity": l1,
            "l1": l1,
            "nonzeros": left,
            "prunable_weights": total,
            "sparsity": 1 - left / total,
            "layers": [asdict(layer) for layer in layers],
            "seconds": 60.0,
            "fleet_size": FLEET,
            "device": "cpu",
        },
    )


def plan_of(shapes: Shapes) -> Plan:
    """The plan of a study whose search never spends its runs, so that it is always asked."""
    measured = Measured(
        lam_ref=6.5e-4,
        constant_loss=2.3,
        prunable_weights=sum(map(math.prod, shapes.values())),
        validation_images=IMAGES,
        test_images=10_000,
        fleet_size=FLEET,
    )
    return Plan(settings=SETTINGS, budget=Budget(max_runs=2 * MANY), measured=measured)


def build(folder: Path, rows: int, noise: float, has_weights: bool = True) -> Case:
    """A study of `rows` lams in random order, and a fleet of others from all over their range."""
    weights, shapes = network()
    plan = plan_of(shapes)
    low, high = plan.measured.lam_ref / 100, plan.measured.lam_ref * 10
    template = run_template(SETTINGS)
    lams = (0.0, *np.geomspace(low, high, rows + FLEET - 1))
    runs = [replace(template, lam=float(f"{lam:.6g}")) for lam in lams]
    order = np.random.default_rng(0).permutation(len(runs))
    points = [point_of(runs[index], shapes, noise) for index in order]
    folder.mkdir()
    storage.write_plan(folder, plan)
    study = {"role": "search", "search": SETTINGS.search, "torch_version": ""}
    begun = [{**p.columns(), **study, "round": i // FLEET} for i, p in enumerate(points[:rows])]
    kept = {point.run.id: weights for point in points[:rows]} if has_weights else {}
    storage.record(folder, begun, kept, {}, {})
    epochs = [float(epoch) for epoch in range(1, SETTINGS.epochs + 1)]
    history = dict.fromkeys(storage.HISTORY.names, epochs)
    added = [Outcome(point, weights, history) for point in points[rows:]]
    round_ = Round(number=rows // FLEET + 1, runs=tuple(o.point.run for o in added))
    return Case(folder, plan, (folder / storage.TABLE).read_bytes(), round_, added)
