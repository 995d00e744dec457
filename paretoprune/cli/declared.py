"""Declarations of the options that `sweep` and `check` share, and of options for a cluster."""

from pathlib import Path
from typing import Annotated, Any

import typer

from paretoprune.cli.options import CLUSTER, COMPARISON, DATA_HELP, PLACE, PROBLEM, SEARCH, TRAINING
from paretoprune.cli.parsing import parse_fleet
from paretoprune.study.defaults import USER_MODEL, default_help, defaults_for
from paretoprune.study.settings import DATA_VARIABLE, USER_CODE


def declared(panel: str, text: str, *names: str, **more: Any) -> Any:
    """Return a typer option whose default is not shown.

    Its default is `None`, so that the value of the study, or its default, can take effect.

    Args:
        panel: Heading of the group of options in the help.
        text: Help text.
        names: Names of the option; those of typer if there are none.
        more: Further arguments of `typer.Option`.
    """
    return typer.Option(*names, help=text, rich_help_panel=panel, show_default=False, **more)


Study = Annotated[
    Path | None,
    typer.Argument(
        metavar="STUDY",
        help="Folder to begin or continue (default: DATASET-MODEL).",
        show_default=False,
    ),
]

# Problem
Dataset = Annotated[
    str | None,
    declared(
        PROBLEM,
        f"digits | mnist | fashion-mnist | cifar10 | folder:PATH | {USER_CODE} (default: digits)",
    ),
]
Model = Annotated[
    str | None,
    declared(
        PROBLEM,
        f"auto | mlp | lenet5 | lenet5-caffe | vgg | {USER_CODE} "
        f"(default: {defaults_for('model')})",
    ),
]
LossName = Annotated[
    str | None,
    declared(PROBLEM, f"cross-entropy | mse | {USER_CODE} (default: cross-entropy)", "--loss"),
]
Init = Annotated[
    str | None, declared(PROBLEM, "Weights that every run starts with: a .safetensors file")
]
Prunable = Annotated[
    str | None,
    declared(
        PROBLEM,
        "Layers whose weights count: linear | conv | all, patterns on names such as 'features.*', "
        f"with commas between (default: linear, {USER_MODEL['prunable']} for your own model)",
    ),
]
Exclude = Annotated[
    str | None, declared(PROBLEM, "Layers whose weights do not count, as in --prunable")
]
ComplexityKind = Annotated[
    str | None,
    declared(
        PROBLEM,
        "Second objective: l1, the sum of |w| | l1-flops, each layer's by the FLOPs of a weight | "
        "group-l1, whole neurons and filters (default: l1)",
        "--complexity",
    ),
]
Validation = Annotated[
    float | None,
    declared(PROBLEM, "Share of training samples for validation (default: 0.1)"),
]
ImageSize = Annotated[
    int | None,
    declared(PROBLEM, "Side of folder images in pixels (default: the smallest side, at most 64)"),
]
Inputs = Annotated[
    str | None,
    declared(
        PROBLEM,
        "unit, images in [0, 1] and numbers as they are | standard, z-scored "
        f"(default: {defaults_for('inputs', 'unit')})",
    ),
]

# Training
Recipe = Annotated[
    str | None,
    declared(TRAINING, "own | paper: the authors' settings and literal constants (default: own)"),
]
Epochs = Annotated[
    int | None, declared(TRAINING, f"Epochs of a run (default: {defaults_for('epochs')}; else 10)")
]
BatchSize = Annotated[
    int | None,
    declared(TRAINING, f"Samples per step (default: {defaults_for('batch_size')}; else 64)"),
]
Optimizer = Annotated[str | None, declared(TRAINING, "adam | sgd | rmsprop (default: adam)")]
LearningRate = Annotated[
    float | None,
    declared(
        TRAINING,
        f"Learning rate at the start (default, with adam: {defaults_for('learning_rate')}; "
        f"{USER_MODEL['learning_rate']} for your own model)",
        "--lr",
    ),
]
Momentum = Annotated[
    float | None, declared(TRAINING, "Of sgd and rmsprop (default: 0.9 for sgd, else 0)")
]
L2Conv = Annotated[
    float | None,
    declared(
        TRAINING,
        "Factor of the convolutions' sum of squares, added to the weighted sum (default: 0)",
    ),
]
Schedule = Annotated[
    str | None, declared(TRAINING, "Of the rate: cosine | constant | logistic (default: cosine)")
]
Threshold = Annotated[
    float | None,
    declared(
        TRAINING,
        f"Weights up to this size become 0 after each step (default: {default_help('threshold')})",
    ),
]
WarmUp = Annotated[
    float | None,
    declared(
        TRAINING,
        f"Share of a run over which λ rises from 0 (default: {default_help('warm_up')})",
    ),
]
Seed = Annotated[
    int | None, declared(TRAINING, "Of weights, validation split and order (default: 0)")
]

# Search and place: options that also affect the estimate of `check`
MaxRuns = Annotated[int | None, declared(SEARCH, "Total number of runs per seed (default: 20)")]
RoundSize = Annotated[int | None, declared(SEARCH, "Runs proposed at once (default: 8)", "--round")]
Repeats = Annotated[
    int | None, declared(SEARCH, "Seeds per λ; multiplies the number of runs (default: 1)")
]
Smgd = Annotated[
    int | None,
    declared(COMPARISON, "Runs of SMGD, one per seed, to compare the front with (default: 3)"),
]
FleetSize = Annotated[
    int | None,
    declared(
        PLACE,
        "Networks trained together: K | auto, the size of a round (default: auto)",
        "--fleet",
        parser=parse_fleet,
    ),
]
Device = Annotated[str | None, declared(PLACE, "auto | cpu | cuda (default: auto)")]
DataDir = Annotated[Path | None, declared(PLACE, DATA_HELP, envvar=DATA_VARIABLE)]

# Cluster: options of `sweep` only
ExecutorName = Annotated[
    str | None,
    declared(CLUSTER, "local | ray, with paretoprune[ray] (default: local)", "--executor"),
]
RayAddress = Annotated[
    str | None,
    declared(
        CLUSTER,
        "auto, the cluster of this machine | local, a new one | HOST:PORT (default: auto)",
    ),
]
GpusPerFleet = Annotated[
    float | None,
    declared(CLUSTER, "1 | a share of one, such as 0.25 | 0 (default: 1 where there are any)"),
]
CpusPerFleet = Annotated[
    int | None, declared(CLUSTER, "Cores, and threads, of a fleet (default: 1)")
]
Retries = Annotated[
    int | None,
    declared(CLUSTER, "How often a fleet is trained again if its worker dies (default: 2)"),
]
Async = Annotated[
    bool | None,
    declared(
        CLUSTER,
        "Propose runs whenever a fleet ends, not round by round: machines wait less, and the λs "
        "depend on which fleet ended first",
        "--async",
    ),
]
