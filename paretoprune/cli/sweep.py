"""Command `sweep`: its options, and the request that is built from them."""

import typer

from paretoprune.cli import declared
from paretoprune.cli.options import (
    COMPARISON,
    PLACE,
    SEARCH,
    given,
    interruptible,
    option,
    place_of,
)
from paretoprune.cli.parsing import parse_duration
from paretoprune.runner.executors import LOCAL
from paretoprune.runner.executors.ray import RayConfig, ray_config_of
from paretoprune.study.settings import AUTO, Budget, Settings, data_folder


def sweep(
    context: typer.Context,
    study: declared.Study = None,
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
    method: str = option(SEARCH, "weighted-sum | smgd, without a search (default: weighted-sum)"),
    search: str = option(
        SEARCH,
        "Which λ next: knee | grid | bisection | dichotomic | stochastic-dichotomic "
        "(default: knee)",
    ),
    max_runs: declared.MaxRuns = None,
    round_size: declared.RoundSize = None,
    tolerance: float = option(SEARCH, "Gain below which an interval closes (default: 0.0001)"),
    repeats: declared.Repeats = None,
    time_budget: str = option(
        SEARCH,
        "Start no round that would exceed it, and no epoch of a fleet that takes over 5 minutes: "
        "90s, 10m, 1.5h",
    ),
    fail_fast: bool = option(
        SEARCH, "End with the first run that fails or diverges", "--fail-fast"
    ),
    retry_failed: bool = option(SEARCH, "First train the failed runs again", "--retry-failed"),
    smgd: declared.Smgd = None,
    smgd_epochs: int = option(COMPARISON, "Epochs of a run of SMGD (default: the sweep's)"),
    moments: str = option(
        COMPARISON,
        "joint: one optimizer sees the combined gradient | separate: one for each objective, as "
        "the authors' (default: joint)",
    ),
    normalize: str = option(
        COMPARISON,
        "Each gradient is divided by: none | l2, its length | loss, its objective's value"
        " (default: none)",
    ),
    split: bool = option(
        COMPARISON,
        "Convolutions trade the loss against their sum of squares, apart from the dense layers "
        "(default: --no-split)",
        "--split/--no-split",
    ),
    keep_weights: str = option(
        PLACE,
        "Weights to keep: front | all | none | auto, all up to 1 GB, then the front's "
        "(default: auto)",
    ),
    fleet: declared.FleetSize = None,
    device: declared.Device = None,
    data_dir: declared.DataDir = None,
    executor: declared.ExecutorName = None,
    ray_address: declared.RayAddress = None,
    gpus_per_fleet: declared.GpusPerFleet = None,
    cpus_per_fleet: declared.CpusPerFleet = None,
    retries: declared.Retries = None,
    is_async: declared.Async = None,
    json_progress: bool = typer.Option(
        False, "--json-progress", help="One line of JSON for each event, on stderr."
    ),
) -> None:
    """Approximate the front between loss and weight complexity, and draw it.

    A few runs of SMGD (stochastic multi-gradient descent), which choose their own trade-off, are
    trained for comparison. The same command continues after an interruption, and with a larger
    --max-runs it continues further.
    """
    budget = given(context, Budget)
    Budget(**budget)  # rejects values out of range before torch is loaded
    seconds = None if time_budget is None else parse_duration(time_budget)
    where, name = device or AUTO, executor or LOCAL
    ray = ray_config_of(name, given(context, RayConfig), where)
    with interruptible():
        from paretoprune.problem.build import Environment
        from paretoprune.report.terminal.sweep import show_sweep, sweep_view
        from paretoprune.runner.request import SweepRequest
        from paretoprune.runner.sweep import sweep as run_sweep

        request = SweepRequest(
            folder=study,
            settings=given(context, Settings),
            budget=budget,
            time_budget=seconds,
            is_fail_fast=bool(fail_fast),
            is_retry=bool(retry_failed),
            is_async=bool(is_async),
            environment=Environment(device=where, data_dir=data_folder(data_dir)),
            executor=name,
            ray=ray,
        )
        with sweep_view(is_json=json_progress) as view:
            summary = run_sweep(request, view)
        show_sweep(summary, place_of(context.params))
    raise typer.Exit(3 if summary.unsuccessful else 0)
