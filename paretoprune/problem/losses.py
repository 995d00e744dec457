"""What is minimised on the data? A new loss: one function, and one line in `LOSSES`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from paretoprune.errors import UsageError
from paretoprune.study.metric import ACCURACY, R2, SKILL
from paretoprune.study.user_code import in_short

STEPS = 100  # of the search for the best constant prediction of a loss that is not known


@dataclass(frozen=True)
class Loss:
    """A loss of each sample: outputs [K, B, ...], targets [B, ...] -> [K, B].

    `constant` gives the best constant prediction, the same outputs [...] for every sample, from
    training targets [N, ...] and the outputs' shape. `quality` is the name of 1 - error, unless the
    outputs choose between classes.
    """

    value: Callable[[Tensor, Tensor], Tensor]
    constant: Callable[[Tensor, torch.Size], Tensor]
    quality: str


def cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Loss in nats of each network on each sample: [K, B, classes], [B] -> [K, B]."""
    networks, batch, classes = outputs.shape
    flat = functional.cross_entropy(
        outputs.reshape(-1, classes), targets.repeat(networks), reduction="none"
    )
    return flat.view(networks, batch)


def log_shares(targets: Tensor, shape: torch.Size) -> Tensor:
    """Logits [classes] of the classes' frequencies; -inf for a class without samples."""
    counts = torch.bincount(targets, minlength=shape[0]).double()
    return (counts / counts.sum()).log()


def squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """Mean of the squares over the numbers of a sample: [K, B, ...], [B, ...] -> [K, B]."""
    # a column beside a flat target would be broadcast to all pairs of samples
    difference = outputs.flatten(2) - targets.reshape(len(targets), -1)
    return difference.square().mean(2)


def mean(targets: Tensor, shape: torch.Size) -> Tensor:
    """The mean of the targets, in the outputs' shape."""
    return targets.double().mean(0).reshape(shape)


LOSSES: dict[str, Loss] = {
    "cross-entropy": Loss(cross_entropy, log_shares, ACCURACY),
    "mse": Loss(squared_error, mean, R2),
}


def loss_of(function: Callable[[Tensor, Tensor], Any], name: str) -> Loss:
    """A user's own loss, which takes outputs [B, ...] and targets [B, ...] to one of [B]."""

    def value(outputs: Tensor, targets: Tensor) -> Tensor:
        return torch.stack([own(function, name, one, targets) for one in outputs])

    def constant(targets: Tensor, shape: torch.Size) -> Tensor:
        return best_constant(value, targets, shape)

    return Loss(value, constant, SKILL)


def own(function: Callable[..., Any], name: str, outputs: Tensor, targets: Tensor) -> Tensor:
    """Call a user's loss; raise `UsageError` where it raises, or is not one for each sample."""
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
    """The constant outputs of least mean loss, found by L-BFGS from zeros."""
    constant = torch.zeros(shape, device=targets.device, requires_grad=True)
    optimizer = torch.optim.LBFGS([constant], max_iter=STEPS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = value(constant.expand(1, len(targets), *shape), targets).mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    return constant.detach()
