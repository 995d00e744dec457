"""Training loop: a fleet from its initial weights to its outcomes."""

import time
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from paretoprune.pruning.penalties import nonzeros, total
from paretoprune.study.run import Run
from paretoprune.training.checkpoint import Checkpointer, resume, state_of
from paretoprune.training.evaluate import evaluate
from paretoprune.training.optimizers import SCHEDULES
from paretoprune.training.outcome import Outcome, outcomes_of
from paretoprune.training.prepare import Prepared
from paretoprune.training.step import Training, begin, take_step

Report = Callable[[int, int], None]  # steps done, steps in all


def train_fleet(
    runs: Sequence[Run],
    prepared: Prepared,
    report: Report,
    checkpointer: Checkpointer | None = None,
) -> list[Outcome]:
    """Train runs together; they share all but lam, seed, learning rate and threshold.

    `report` is called after every step, and must not wait for the device; `checkpointer`, if any,
    after every epoch but the last. A run whose loss does not stay finite ends as `diverged`
    and does not touch the others.
    """
    training, epochs = begin(runs, prepared), runs[0].epochs
    history, before, started_at = resume(training, checkpointer)
    clock = time.perf_counter() - before
    for epoch in range(len(history), epochs):
        loss, weights = train_epoch(training, epoch, report)
        history.append({"train_loss": loss, **snapshot(training), "weights": weights})
        if checkpointer is not None and epoch + 1 < epochs:
            state = partial(state_of, training, history)
            checkpointer.save(epoch + 1, time.perf_counter() - clock, started_at, state)
    data = training.problem.data
    parts = (data.train, data.validation, data.test)
    evaluations = [evaluate(training.fleet, training.prepared, part) for part in parts]
    seconds = time.perf_counter() - clock
    return outcomes_of(training, history, evaluations, seconds, started_at)


def train_epoch(training: Training, epoch: int, report: Report) -> tuple[Tensor, Tensor]:
    """Train one epoch; return the mean loss [K] and objectives' weights [K, blocks, 2]."""
    run, data = training.runs[0], training.problem.data.train
    batches = training.problem.order(epoch).split(run.batch_size)
    losses = torch.zeros(len(training.runs), device=training.problem.device)
    weights = losses.new_zeros(len(training.runs), max(training.blocks.values()) + 1, 2)
    for batch in batches:
        progress = training.steps / (run.epochs * len(batches))
        lr_scale, lam_scale = SCHEDULES[run.schedule](progress), lam_scale_of(run, progress)
        loss, chosen = take_step(training, data[batch], lr_scale, lam_scale)
        losses += loss * (len(batch) / len(data))
        weights += chosen / len(batches)
        report(training.steps, run.epochs * len(batches))
    return losses, weights


def lam_scale_of(run: Run, progress: float) -> float:
    """The share of lam that counts: it rises evenly from 0 to 1 while the run warms up."""
    return 1.0 if progress >= run.warm_up else progress / run.warm_up


def snapshot(training: Training) -> dict[str, Tensor]:
    """Validation loss and error, complexity and nonzeros of each network, [K] each."""
    problem = training.problem
    validation = evaluate(training.fleet, training.prepared, problem.data.validation)
    return {
        "val_loss": validation.loss,
        "val_error": validation.error,
        "complexity": problem.complexity_of(training.fleet.parameters),
        "nonzeros": total(nonzeros(tensor.detach()) for tensor in training.prunable_weights),
    }
