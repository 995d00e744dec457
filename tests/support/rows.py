"""A plan and rows of a table, as they are recorded."""

from dataclasses import replace

from paretoprune.study.run import Layer, Point
from paretoprune.study.settings import Budget, Measured, Plan, Settings
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


def row(lam, **changes):
    measured = ("train_loss", "val_loss", "val_loss_se", "val_error", "test_loss", "test_error")
    point = Point(
        run=run(lam=lam),
        **dict.fromkeys((*measured, "complexity", "l1", "seconds"), 0.5),
        nonzeros=1,
        prunable_weights=4,
        layers=(Layer(name="1.weight", shape=(2, 2), nonzeros=1, l1=0.5),),
    )
    study = {"round": 0, "role": "search", "search": "knee", "torch_version": "2.11"}
    return {**replace(point, **changes).row(), **study}
