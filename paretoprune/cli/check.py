"""Command `check`: a dry run of a sweep, with the options that affect training."""

import typer

from paretoprune.cli import declared
from paretoprune.cli.options import JSON, given
from paretoprune.study.settings import AUTO, Budget, Settings, data_folder


def check(
    context: typer.Context,
    dataset: declared.Dataset = None,
    model: declared.Model = None,
    loss: declared.LossName = None,
    init: declared.Init = None,
    prunable: declared.Prunable = None,
    exclude: declared.Exclude = None,
    complexity: declared.ComplexityKind = None,
    validation: declared.Validation = None,
    image_size: declared.ImageSize = None,
    inputs: declared.Inputs = None,
    recipe: declared.Recipe = None,
    epochs: declared.Epochs = None,
    batch_size: declared.BatchSize = None,
    optimizer: declared.Optimizer = None,
    learning_rate: declared.LearningRate = None,
    momentum: declared.Momentum = None,
    l2_conv: declared.L2Conv = None,
    schedule: declared.Schedule = None,
    threshold: declared.Threshold = None,
    warm_up: declared.WarmUp = None,
    seed: declared.Seed = None,
    max_runs: declared.MaxRuns = None,
    round_size: declared.RoundSize = None,
    repeats: declared.Repeats = None,
    smgd: declared.Smgd = None,
    fleet: declared.FleetSize = None,
    device: declared.Device = None,
    data_dir: declared.DataDir = None,
    as_json: bool = JSON,
) -> None:
    """Try a sweep's options: one batch through the real step and back; nothing is written.

    Says which layers are prunable, how fleets are trained, the objectives at the start, time and
    memory of a step, and about how long the sweep would take.
    """
    budget = given(context, Budget)
    Budget(**budget)  # rejects values out of range before torch is loaded
    from paretoprune.problem.build import Environment
    from paretoprune.report.terminal.check import show_check
    from paretoprune.runner.dry_run import check as run_check
    from paretoprune.runner.request import SweepRequest

    request = SweepRequest(
        settings=given(context, Settings),
        budget=budget,
        environment=Environment(device=device or AUTO, data_dir=data_folder(data_dir)),
    )
    show_check(run_check(request), as_json=as_json)
