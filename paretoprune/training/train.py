"""Training loop: trains the runs of a fleet together."""

import time
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from paretoprune.pruning.penalties import nonzeros, total
from paretoprune.study.run import Run
from paretoprune.training.checkpoint import WEIGHTS, Checkpointer, resume, state_of
from paretoprune.training.evaluate import evaluate
from paretoprune.training.methods import METHODS
from paretoprune.training.optimizers import SCHEDULES
from paretoprune.training.outcome import Outcome, outcomes_of
from paretoprune.training.prepare import Prepared
from paretoprune.training.step import Starts, Training, begin, take_step

Report = Callable[[int, int], None]  # number of steps that are done, number of all steps


def train_fleet(
    runs: Sequence[Run],
    prepared: Prepared,
    report: Report,
    checkpointer: Checkpointer | None = None,
    starts: Starts | None = None,
) -> list[Outcome]:
    """Train several runs together as one fleet.

    A run whose loss does not stay finite ends as `diverged` and does not affect the others.

    Args:
        runs: The runs, which are alike as `runner.runs.alike` says.
        prepared: The problem that is trained.
        report: Called after every step with the progress; it must not wait for the device.
        checkpointer: Loads the fleet's checkpoint before the first epoch, and may save one after
            every epoch but the last.
        starts: The weights of the runs' parents; `None` if no run has one.

    Returns:
        The outcome of each run, in the order of `runs`.
    """
    training, epochs = begin(runs, prepared, starts), runs[0].epochs
    history, seconds_before, started_at = resume(training, checkpointer)
    start = time.perf_counter() - seconds_before
    for epoch in range(len(history), epochs):
        loss, weights = train_epoch(training, epoch, report)
        history.append({"train_loss": loss, **snapshot(training), WEIGHTS: weights})
        if checkpointer is not None and epoch + 1 < epochs:
            state = partial(state_of, training, history)
            checkpointer.save(epoch + 1, time.perf_counter() - start, started_at, state)
    training.rule.at_end()
    data = training.problem.data
    parts = (data.train, data.validation, data.test)
    evaluations = [evaluate(training.fleet, training.prepared, part) for part in parts]
    seconds = time.perf_counter() - start
    return outcomes_of(training, history, evaluations, seconds, started_at)


def train_epoch(training: Training, epoch: int, report: Report) -> tuple[Tensor, Tensor]:
    """Train for one epoch, which is counted from 0.

    Returns:
        Means over the epoch: the training loss [K], and the weights of the objectives
        [K, blocks, 2].
    """
    run, data = training.runs[0], training.problem.data.train
    batches = training.problem.order(epoch).split(run.batch_size)
    losses = torch.zeros(len(training.runs), device=training.problem.device)
    weights = losses.new_zeros(len(training.runs), max(training.rule.blocks.values()) + 1, 2)
    for batch in batches:
        progress = training.steps / (run.epochs * len(batches))
        lr_scale, lam_scale = SCHEDULES[run.schedule](progress), lam_scale_of(run, progress)
        loss, step_weights = take_step(training, data[batch], lr_scale, lam_scale)
        losses += loss * (len(batch) / len(data))
        weights += step_weights / len(batches)
        report(training.steps, run.epochs * len(batches))
    return losses, weights


def lam_scale_of(run: Run, progress: float) -> float:
    """Return the factor of lam, which rises linearly from 0 to 1 during the warm-up."""
    return 1.0 if progress >= run.warm_up else progress / run.warm_up


def snapshot(training: Training) -> dict[str, Tensor]:
    """Return what the history of each network holds after an epoch, [K] each."""
    problem = training.problem
    validation = evaluate(training.fleet, training.prepared, problem.data.validation)
    return {
        "val_loss": validation.loss,
        "val_error": validation.error,
        "complexity": problem.complexity_of(training.fleet.parameters),
        "nonzeros": total(nonzeros(tensor.detach()) for tensor in training.prunable_weights),
        **quantities_of(training),
    }


def quantities_of(training: Training) -> dict[str, Tensor]:
    """Return copies of what the method adds to the history, [K] each.

    Raises `ValueError` if these are not the quantities that the method declares.
    """
    measured, declared = training.rule.quantities(), METHODS[training.runs[0].method].quantities
    if set(measured) != set(declared):
        raise ValueError(f"the method declares {sorted(declared)}, not {sorted(measured)}")
    return {name: value.clone() for name, value in measured.items()}
