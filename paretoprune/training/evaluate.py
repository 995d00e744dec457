"""Evaluation of a fleet: loss and error of each network on one split of the data."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from paretoprune.problem.datasets import Split
from paretoprune.study.metric import ACCURACY
from paretoprune.training.fleet import Fleet
from paretoprune.training.prepare import Prepared

# Images: with 8 networks, larger batches fall out of the cache (2.4 times slower at 500).
EVALUATION_BATCH = 100


@dataclass(frozen=True)
class Evaluation:
    """Mean loss, its standard error, and the error as a fraction, of each network: [K] each.

    The error is the share of samples that are classified wrongly. Where targets are numbers, it is
    the loss over that of the best constant prediction, at most 1 (of squares: 1 - R²).
    """

    loss: Tensor
    loss_se: Tensor
    error: Tensor


@torch.no_grad()
def evaluate(fleet: Fleet, prepared: Prepared, part: Split) -> Evaluation:
    """Evaluate every network on one split of the data, in evaluation mode."""
    losses, wrong = [], []
    problem, is_share = prepared.problem, prepared.metric == ACCURACY
    constant = prepared.constant.to(torch.get_default_dtype())
    for batch in part.split(EVALUATION_BATCH):
        outputs = fleet.forward(problem.inputs(batch.inputs))  # [K, B, ...]
        losses.append(problem.loss.value(outputs, batch.targets))
        if is_share:
            wrong.append(outputs.argmax(2) != batch.targets)
        else:
            expanded = constant.expand(1, len(batch), *constant.shape)
            wrong.append(problem.loss.value(expanded, batch.targets))
    loss = torch.cat(losses, dim=1).double()  # [K, N]
    spread = loss.var(1, correction=0).sqrt() / math.sqrt(len(part))
    error = torch.cat(wrong, dim=1).double().mean(1)
    if not is_share:
        error = (loss.mean(1) / error).clamp(0, 1).nan_to_num(1.0)
    return Evaluation(loss.mean(1), spread, error)


def reference_lam(prepared: Prepared) -> float:
    """Return initial loss / initial complexity, to 6 significant digits: the unit of lam."""
    problem = prepared.problem
    fleet = prepared.fleet([problem.seed])
    loss = evaluate(fleet, prepared, problem.data.train).loss.item()
    return float(f"{loss / problem.complexity_of(fleet.parameters).item():.6g}")
