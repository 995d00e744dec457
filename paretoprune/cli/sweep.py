"""How is a sweep asked for? All its options, and the request they make."""

from pathlib import Path

import typer

from paretoprune.cli.options import (
    COMPARISON,
    DATA_HELP,
    DATA_VARIABLE,
    PLACE,
    PROBLEM,
    SEARCH,
    TRAINING,
    data_folder,
    given,
    interruptible,
    option,
)
from paretoprune.recipes import suited, usual_of
from paretoprune.settings import AUTO, Budget, Settings, parse_duration, parse_fleet


def sweep(
    context: typer.Context,
    study: Path | None = typer.Argument(
        None,
        metavar="STUDY",
        help="Folder to begin or continue (default: DATASET-MODEL).",
        show_default=False,
    ),
    dataset: str = option(
        PROBLEM, "digits | mnist | fashion-mnist | cifar10 | folder:PATH (default: digits)"
    ),
    model: str = option(
        PROBLEM, f"auto | mlp | lenet5 | lenet5-caffe | vgg (default: {suited('model')})"
    ),
    prunable: str = option(
        PROBLEM, "Layers whose weights count: linear | conv | all (default: linear)"
    ),
    complexity: str = option(PROBLEM, "Second objective: l1, the sum of |w| (default: l1)"),
    validation: float = option(PROBLEM, "Share of training images for validation (default: 0.1)"),
    image_size: int = option(
        PROBLEM, "Side of folder images in pixels (default: the smallest side, at most 64)"
    ),
    inputs: str = option(
        PROBLEM, f"unit, in [0, 1] | standard, z-scored (default: {suited('inputs', 'unit')})"
    ),
    recipe: str = option(
        TRAINING, "own | paper: the authors' settings and literal constants (default: own)"
    ),
    epochs: int = option(TRAINING, f"Epochs of a run (default: {suited('epochs')})"),
    batch_size: int = option(TRAINING, f"Images a step (default: {suited('batch_size')})"),
    optimizer: str = option(TRAINING, "adam | sgd | rmsprop (default: adam)"),
    learning_rate: float = option(
        TRAINING,
        f"Learning rate at the start (default, with adam: {suited('learning_rate')})",
        "--lr",
    ),
    momentum: float = option(TRAINING, "Of sgd and rmsprop (default: 0.9 for sgd, else 0)"),
    l2_conv: float = option(
        TRAINING, "Factor of the convolutions' sum of squares, beside the weighted sum (default: 0)"
    ),
    schedule: str = option(TRAINING, "Of the rate: cosine | constant | logistic (default: cosine)"),
    threshold: float = option(
        TRAINING,
        f"After each step a weight up to this size is 0 (default: {usual_of('threshold')})",
    ),
    warm_up: float = option(
        TRAINING,
        f"Share of a run over which λ rises from 0 (default: {usual_of('warm_up')})",
    ),
    seed: int = option(TRAINING, "Of weights, validation split and order (default: 0)"),
    method: str = option(SEARCH, "weighted-sum | smgd, without a search (default: weighted-sum)"),
    search: str = option(
        SEARCH,
        "Which λ next: knee | grid | bisection | dichotomic | stochastic-dichotomic "
        "(default: knee)",
    ),
    max_runs: int = option(SEARCH, "Total of runs, for each seed (default: 20)"),
    round_size: int = option(SEARCH, "Runs proposed at once (default: 8)", "--round"),
    tolerance: float = option(SEARCH, "Gain under which an interval closes (default: 0.0001)"),
    repeats: int = option(SEARCH, "Seeds for each λ: so many times the runs (default: 1)"),
    time_budget: str = option(
        SEARCH,
        "Begin no round that would exceed it, and no epoch of a fleet that takes over 5 minutes: "
        "90s, 10m, 1.5h",
    ),
    fail_fast: bool = option(
        SEARCH, "End with the first run that fails or diverges", "--fail-fast"
    ),
    retry_failed: bool = option(
        SEARCH, "Train those again that failed, before all others", "--retry-failed"
    ),
    smgd: int = option(
        COMPARISON, "Runs of SMGD, a seed each, that the front is compared with (default: 3)"
    ),
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
    fleet: int = option(
        PLACE,
        "Networks trained together: K | auto, the fastest here, timed once (default: auto)",
        parser=parse_fleet,
    ),
    device: str = option(PLACE, "auto | cpu | cuda (default: auto)"),
    data_dir: Path = option(PLACE, DATA_HELP, envvar=DATA_VARIABLE),
) -> None:
    """Approximate the front between loss and weight complexity, and draw it.

    Beside it stand a few runs of SMGD (stochastic multi-gradient descent), which choose their own
    trade-off. The same command goes on after an interruption; a larger --max-runs goes on further.
    """
    budget = given(context, Budget)
    Budget(**budget)  # refuses what is out of range before torch is loaded
    seconds = None if time_budget is None else parse_duration(time_budget)
    with interruptible():
        from paretoprune.console.sweep import show_sweep
        from paretoprune.opening import Request

        request = Request(
            folder=study,
            settings=given(context, Settings),
            budget=budget,
            time_budget=seconds,
            is_fail_fast=bool(fail_fast),
            is_retry=bool(retry_failed),
            device=device or AUTO,
            data_dir=data_folder(data_dir),
        )
        given_place = {"--data-dir": data_dir, "--device": device}
        place = [f"{name}={value}" for name, value in given_place.items() if value]
        failures = show_sweep(request, place)
    raise typer.Exit(3 if failures else 0)
