"""Types of the options of `paretoprune.sweep`, for editors and type checkers.

Written by `python -m tests.support.keyword_reference` from the declarations of the options.
"""

from pathlib import Path
from typing import TypedDict


class SweepOptions(TypedDict, total=False):
    """Options of `paretoprune.sweep`; one that is left out takes the study's value or default."""

    init: str | Path | None
    """Weights that every run starts with: a .safetensors file"""
    prunable: str | None
    """Layers whose weights count: linear | conv | all, patterns on names such as 'features.*', with
    commas between (default: linear, all for your own model)"""
    exclude: str | None
    """Layers whose weights do not count, as in --prunable"""
    complexity: str | None
    """Second objective: l1, the sum of |w| | l1-flops, each layer's by the FLOPs of a weight |
    group-l1, whole neurons and filters (default: l1)"""
    validation: float | None
    """Share of training samples for validation (default: 0.1)"""
    image_size: int | None
    """Side of folder images in pixels (default: the smallest side, at most 64)"""
    inputs: str | None
    """unit, images in [0, 1] and numbers as they are | standard, z-scored (default: unit for
    digits; standard for mnist, fashion-mnist, cifar10, folder)"""
    recipe: str | None
    """own | paper: the authors' settings and literal constants (default: own)"""
    epochs: int | None
    """Epochs of a run (default: 50 for digits; 10 for mnist, fashion-mnist; 40 for cifar10, folder;
    else 10)"""
    batch_size: int | None
    """Samples per step (default: 32 for digits; 64 for mlp; 32 for lenet5; 64 for lenet5-caffe; 64
    for vgg; else 64)"""
    optimizer: str | None
    """adam | sgd | rmsprop (default: adam)"""
    lr: float | None
    """Learning rate at the start (default, with adam: 0.02 for digits; 0.002 for mlp; 0.007 for
    lenet5; 0.006 for lenet5-caffe; 0.002 for vgg; 0.001 for your own model)"""
    momentum: float | None
    """Of sgd and rmsprop (default: 0.9 for sgd, else 0)"""
    l2_conv: float | None
    """Factor of the convolutions' sum of squares, added to the weighted sum (default: 0)"""
    schedule: str | None
    """Of the rate: cosine | constant | logistic (default: cosine)"""
    threshold: float | None
    """Weights up to this size become 0 after each step (default: 0.001 for lenet5-caffe, else
    0.003)"""
    warm_up: float | None
    """Share of a run over which λ rises from 0 (default: 0 for lenet5-caffe, else 0.5)"""
    seed: int | None
    """Of weights, validation split and order (default: 0)"""
    method: str | None
    """weighted-sum; without a search: smgd | magnitude | uniform (default: weighted-sum)"""
    search: str | None
    """Which λ next: knee | grid | bisection | dichotomic | stochastic-dichotomic (default: knee)"""
    round: int | None
    """Runs proposed at once (default: 8)"""
    max_runs: int | None
    """Total number of runs per seed (default: 20)"""
    tolerance: float | None
    """Gain below which an interval closes (default: 0.0001)"""
    compare: str | None
    """Methods to compare the front with, with commas between: smgd | magnitude | uniform (default:
    smgd)"""
    repeats: int | None
    """Seeds per λ; multiplies the number of runs (default: 1)"""
    time_budget: float | str | None
    """Start no round that would exceed it, and no epoch of a fleet that takes over 5 minutes: 90s,
    10m, 1.5h"""
    fail_fast: bool | None
    """End with the first run that fails or diverges"""
    retry_failed: bool | None
    """First train the failed runs again"""
    smgd: int | None
    """Runs of SMGD, one per seed, to compare the front with (default: 3)"""
    smgd_epochs: int | None
    """Epochs of a run of SMGD (default: the sweep's)"""
    moments: str | None
    """joint: one optimizer sees the combined gradient | separate: one for each objective, as the
    authors' (default: joint)"""
    normalize: str | None
    """Each gradient is divided by: none | l2, its length | loss, its objective's value (default:
    none)"""
    split: bool | None
    """Convolutions trade the loss against their sum of squares, apart from the dense layers
    (default: --no-split)"""
    keep: str | None
    """Shares of the prunable weights to keep, with commas between (default:
    0.5,0.2,0.1,0.05,0.02,0.01)"""
    prune_schedule: str | None
    """one-shot: pruned before the training goes on | gradual: in its first half (default:
    one-shot)"""
    tune_epochs: int | None
    """Epochs of the training that goes on (default: the sweep's)"""
    fleet: int | str | None
    """Networks trained together: K | auto, the size of a round (default: auto)"""
    keep_weights: str | None
    """Weights to keep: front | all | none | auto, all up to 1 GB, then the front's (default:
    auto)"""
    device: str | None
    """auto | cpu | cuda (default: auto)"""
    data_dir: Path | str | None
    """Where data are, or go (default: ~/.cache/paretoprune)"""
    executor: str | None
    """local | ray, with paretoprune[ray] (default: local)"""
    asynchronous: bool | None
    """Propose runs whenever a fleet ends, not round by round: machines wait less, and the λs depend
    on which fleet ended first"""
    ray_address: str | None
    """auto, the cluster of this machine | local, a new one | HOST:PORT (default: auto)"""
    gpus_per_fleet: float | None
    """1 | a share of one, such as 0.25 | 0 (default: 1 where there are any)"""
    cpus_per_fleet: int | None
    """Cores, and threads, of a fleet (default: 1)"""
    retries: int | None
    """How often a fleet is trained again if its worker dies (default: 2)"""
