"""A plan and rows of a table, as they are recorded."""

from dataclasses import asdict

from paretoprune.study.plan import Budget, Measured, Plan
from paretoprune.study.run import Layer, Point
from paretoprune.study.settings import Settings
from tests.support.problems import run

PLAN = Plan(
    settings=Settings(seed=7, threshold=0.002),
    budget=Budget(max_runs=33),
    measured=Measured(
        lam_ref=6.5e-4,
        constant_loss=2.3,
        prunable_weights=4,
        validation_images=100,
        test_images=200,
        fleet_size=8,
    ),
)


def row(lam, status="done", failure="", one=None, **changes):
    measured = ("train_loss", "val_loss", "val_loss_se", "val_error", "test_loss", "test_error")
    layer = Layer(name="1.weight", shape=(2, 2), nonzeros=1, l1=0.5)
    values = {
        **dict.fromkeys((*measured, "complexity", "l1", "seconds"), 0.5),
        "nonzeros": 1,
        "prunable_weights": 4,
        "sparsity": 0.75,
        "layers": [asdict(layer)],
    }
    point = Point(run=one or run(lam=lam), status=status, failure=failure, values=values | changes)
    study = {"round": 0, "role": "search", "search": "knee", "torch_version": "2.11"}
    return {**point.columns(), **study}
