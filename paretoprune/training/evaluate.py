"""Evaluation of a fleet: loss and error of each network on one split of the data."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from paretoprune.problem.datasets import Split
from paretoprune.study.metric import ACCURACY
from paretoprune.training.fleet import Fleet
from paretoprune.training.prepare import Prepared

# Samples per batch. With 8 networks, larger batches do not fit into the cache (500 are 2.4 times
# slower).
EVALUATION_BATCH = 100


@dataclass(frozen=True)
class Evaluation:
    """Loss and error of each network on one split, [K] each.

    Attributes:
        loss: Mean loss over the samples.
        loss_se: Standard error of the mean loss.
        error: Share of samples that are classified wrongly, if the metric is the accuracy.
            Otherwise the loss divided by that of the best constant prediction, at most 1; for the
            squared error this is 1 - R².
    """

    loss: Tensor
    loss_se: Tensor
    error: Tensor


@torch.no_grad()
def evaluate(fleet: Fleet, prepared: Prepared, part: Split) -> Evaluation:
    """Evaluate every network on one split of the data, in evaluation mode.

    Args:
        fleet: The K networks.
        prepared: The problem, with its metric and its best constant prediction.
        part: The samples, on the problem's device.
    """
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
    """Return λ_ref, the scale of the odds λ / (1 - λ), rounded to 6 significant digits.

    It is the initial training loss divided by the initial complexity of the network that the
    study's seed stands for.
    """
    problem = prepared.problem
    fleet = prepared.fleet([problem.seed])
    loss = evaluate(fleet, prepared, problem.data.train).loss.item()
    return float(f"{loss / problem.complexity_of(fleet.parameters).item():.6g}")
