"""Losses: the first objective, which is minimised on the training data.

A new loss is one function, and one line in `LOSSES`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from paretoprune.errors import UsageError
from paretoprune.study.metric import ACCURACY, R2, SKILL
from paretoprune.study.user_code import in_short

STEPS = 100  # most iterations of the search for the best constant prediction of a user's loss


@dataclass(frozen=True)
class Loss:
    """A loss per sample, with its best constant prediction.

    Attributes:
        value: Maps outputs [K, B, ...] and targets [B, ...] to losses [K, B].
        constant: Maps training targets [N, ...] and the shape of one output to the best constant
            prediction: the same outputs [...] for every sample.
        metric: Name of the metric 1 - error, unless the outputs choose between classes.
    """

    value: Callable[[Tensor, Tensor], Tensor]
    constant: Callable[[Tensor, torch.Size], Tensor]
    metric: str


def cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the cross-entropy in nats per sample: [K, B, classes], [B] -> [K, B]."""
    networks, batch, classes = outputs.shape
    flat = functional.cross_entropy(
        outputs.reshape(-1, classes), targets.repeat(networks), reduction="none"
    )
    return flat.view(networks, batch)


def log_shares(targets: Tensor, shape: torch.Size) -> Tensor:
    """Return the logits [classes] of the class frequencies; -inf for a class without samples."""
    counts = torch.bincount(targets, minlength=shape[0]).double()
    return (counts / counts.sum()).log()


def squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the mean squared error over a sample's numbers: [K, B, ...], [B, ...] -> [K, B]."""
    # a column minus a flat target would be broadcast to all pairs of samples
    difference = outputs.flatten(2) - targets.reshape(len(targets), -1)
    return difference.square().mean(2)


def mean(targets: Tensor, shape: torch.Size) -> Tensor:
    """Return the mean of the targets, in the shape of an output."""
    return targets.double().mean(0).reshape(shape)


LOSSES: dict[str, Loss] = {
    "cross-entropy": Loss(cross_entropy, log_shares, ACCURACY),
    "mse": Loss(squared_error, mean, R2),
}


def loss_of(function: Callable[[Tensor, Tensor], Any], name: str) -> Loss:
    """Return the `Loss` of a user's function.

    The function maps outputs [B, ...] and targets [B, ...] to losses [B]. `name` is its name in
    messages.
    """

    def value(outputs: Tensor, targets: Tensor) -> Tensor:
        return torch.stack([call_loss(function, name, each, targets) for each in outputs])

    def constant(targets: Tensor, shape: torch.Size) -> Tensor:
        return best_constant(value, targets, shape)

    return Loss(value, constant, SKILL)


def call_loss(function: Callable[..., Any], name: str, outputs: Tensor, targets: Tensor) -> Tensor:
    """Call a user's loss on the outputs of one network.

    Raises:
        UsageError: If the function fails, or does not return one number per sample.
    """
    try:
        losses = function(outputs, targets)
    except Exception as error:
        raise UsageError(f"--loss {name} raises {in_short(error)}") from error
    if not isinstance(losses, Tensor) or losses.shape != outputs.shape[:1]:
        found = list(losses.shape) if isinstance(losses, Tensor) else type(losses).__name__
        raise UsageError(
            f"--loss {name} returns {found} for {len(outputs)} samples: it must return one number "
            "for each, as with reduction='none'"
        )
    return losses


def best_constant(
    value: Callable[[Tensor, Tensor], Tensor], targets: Tensor, shape: torch.Size
) -> Tensor:
    """Return the constant outputs of least mean loss, found by L-BFGS from zeros."""
    constant = torch.zeros(shape, device=targets.device, requires_grad=True)
    optimizer = torch.optim.LBFGS([constant], max_iter=STEPS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = value(constant.expand(1, len(targets), *shape), targets).mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    return constant.detach()
