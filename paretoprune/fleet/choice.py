"""Which way fits an architecture? The first whose step is the networks' own step."""

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from paretoprune.errors import UsageError
from paretoprune.fleet import PATHS, Fleet, stack
from paretoprune.fleet.layers import Unfit

# Of the largest value: float32 leaves 1e-7 of it, times the rounding of a few layers.
TOLERANCE = 1e-5


def choose_path(networks: Sequence[nn.Module], images: Tensor) -> tuple[str, dict[str, str]]:
    """The first of `PATHS` that passes the check, and why each before it did not.

    Two networks or more, of other initial weights, and a few images [B, C, H, W] as they see
    them. Raises `UsageError` where the networks themselves cannot be trained on these.
    """
    # dropout is left out: torch draws other masks than a fleet
    networks = [_without_dropout(copy.deepcopy(network)) for network in networks]
    try:
        own = _step_of_networks(networks, images)
    except Exception as error:  # a stranger's module may raise anything
        shape = " x ".join(map(str, images.shape[1:]))
        raise UsageError(f"the model cannot be trained on images of {shape}: {error}") from error
    *paths, last = PATHS  # the last one is the networks' own step
    refused: dict[str, str] = {}
    for path in paths:
        try:
            _require_equal(own, _step_of_fleet(stack(networks, range(len(networks)), path), images))
        except Exception as error:
            refused[path] = str(error).splitlines()[0] if str(error) else type(error).__name__
        else:
            return path, refused
    return last, refused


def _without_dropout(network: nn.Module) -> nn.Module:
    for module in network.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.p = 0.0
    return network


def _step_of_networks(networks: Sequence[nn.Module], images: Tensor) -> dict[str, Tensor]:
    """What a step reads and leaves behind, `[K, *shape]` each, of copies of the networks."""
    networks = [copy.deepcopy(network) for network in networks]
    evaluated = torch.stack([network.eval()(images).detach() for network in networks])
    if evaluated.dim() != 3 or evaluated.shape[1] != len(images):
        shape = list(evaluated.shape[1:])
        raise ValueError(f"it returns {shape}, not a row of logits for each of {len(images)}")
    trained = torch.stack([network.train()(images) for network in networks])
    trained.square().mean((1, 2)).sum().backward()
    found = {"evaluation": evaluated, "training": trained.detach()}
    for name, _ in networks[0].named_parameters():
        found[name] = torch.stack([_gradient(network.get_parameter(name)) for network in networks])
    for name, _ in networks[0].named_buffers():
        found[name] = torch.stack([network.get_buffer(name) for network in networks])
    return found


def _step_of_fleet(fleet: Fleet, images: Tensor) -> dict[str, Tensor]:
    with torch.no_grad():
        evaluated = fleet.forward(images)
    trained = fleet.forward(images, 1)
    trained.square().mean((1, 2)).sum().backward()
    gradients = {name: _gradient(value) for name, value in fleet.parameters.items()}
    return {
        "evaluation": evaluated,
        "training": trained.detach(),
        **gradients,
        **fleet.buffers,
    }


def _gradient(parameter: Tensor) -> Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


def _require_equal(own: Mapping[str, Tensor], fleet: Mapping[str, Tensor]) -> None:
    # all by one measure: a bias before a batch norm has a gradient of rounding errors alone
    largest = max(expected.abs().max().item() for expected in own.values())
    for name, expected in own.items():
        error = (fleet[name] - expected).abs().max().item()
        if not error <= TOLERANCE * largest:
            raise Unfit(f"its step differs from the network's own by {error:.1g} in {name}")
