"""Backend choice: the first backend that trains a fleet as its networks are trained alone."""

import copy
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from paretoprune.errors import CouldNotError, UsageError
from paretoprune.problem.device import is_full
from paretoprune.training.fleet import BACKENDS, Fleet, Inputs, stack
from paretoprune.training.fleet.fused_layers import Unsupported

# Relative to the largest value. If a module allows float64, errors of small gradients show too.
TOLERANCES = {torch.float64: 1e-9, torch.float32: 1e-5}

GRADIENT = "the gradient of "

Step = dict[str, Tensor]  # outputs, gradients and buffers of a step, [K, *shape] each


def choose_backend(networks: Sequence[nn.Module], inputs: Inputs) -> tuple[str, dict[str, str]]:
    """Choose the first of `BACKENDS` whose training step equals that of the single networks.

    Args:
        networks: Two or more networks with different initial weights.
        inputs: Inputs of a few samples as the networks see them, [B, ...] each.

    Returns:
        The chosen backend, and the reason why each backend before it was rejected.

    Raises:
        UsageError: If the networks themselves cannot be trained on these inputs.
        CouldNotError: If memory is too small for that.
    """
    networks, inputs, steps = _single_steps(networks, inputs)
    *candidates, last = BACKENDS  # the last one calls the single networks, so it needs no check
    rejected: dict[str, str] = {}
    for backend in candidates:
        try:
            for batch, step in steps.items():
                fleet = stack(networks, range(len(networks)), backend)
                _require_equal(step, _step_of_fleet(fleet, first(inputs, batch)))
        except Exception as error:
            rejected[backend] = _first_line(error)
        else:
            return backend, rejected
    return last, rejected


def _single_steps(
    networks: Sequence[nn.Module], inputs: Inputs
) -> tuple[list[nn.Module], Inputs, dict[int, Step]]:
    """Return copies of the networks, the inputs, and the steps of the networks by batch size.

    Copies and inputs have the most precise type that the networks allow. The last batch of an epoch
    may consist of one sample, so that size is included unless the networks reject it, as some with
    batch norm do.
    """
    reason: Exception | None = None
    for dtype in TOLERANCES:
        try:
            copies = [_without_dropout(copy.deepcopy(network)).to(dtype) for network in networks]
            cast = [x.to(dtype) if x.is_floating_point() else x for x in inputs]
            steps = {len(cast[0]): _step_of_networks(copies, cast)}
        except Exception as error:  # a user's module may raise anything
            reason = error
            continue
        try:
            steps[1] = _step_of_networks(copies, first(cast, 1))
        except Exception:
            return copies, cast, steps
        return copies, cast, steps
    assert reason is not None
    if is_full(reason):
        raise CouldNotError("memory is too small for a step of two networks") from reason
    shapes = " and ".join(" x ".join(map(str, x.shape[1:])) or "a number" for x in inputs)
    raise UsageError(
        f"the model cannot be trained on inputs of {shapes}: {_first_line(reason)}"
    ) from reason


def first(inputs: Inputs, samples: int) -> Inputs:
    """Return the inputs of the first samples."""
    return [x[:samples] for x in inputs]


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def _without_dropout(network: nn.Module) -> nn.Module:
    """Turn dropout off in place, because torch and a fleet draw different masks."""
    for module in network.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.p = 0.0
    return network


def _step_of_networks(networks: Sequence[nn.Module], inputs: Inputs) -> Step:
    """Return the training step of each network, computed on copies."""
    networks, samples = [copy.deepcopy(network) for network in networks], len(inputs[0])

    def forward() -> Tensor:
        copies = ([x.clone() for x in inputs] for _ in networks)
        outputs = [network(*each) for network, each in zip(networks, copies, strict=True)]
        if not isinstance(outputs[0], Tensor):
            raise TypeError(f"it returns a {type(outputs[0]).__name__}, not a tensor")
        return torch.stack(outputs)

    for network in networks:
        network.eval()
    evaluated = forward().detach()
    if evaluated.shape[1:2] != (samples,) or not evaluated.is_floating_point():
        shape = list(evaluated.shape[1:])
        raise ValueError(f"it returns {shape}, not an output for each of {samples} samples")
    for network in networks:
        network.train()
    parameters = {
        name: [network.get_parameter(name) for network in networks]
        for name, _ in networks[0].named_parameters()
    }
    trained = _differentiate(forward)
    buffers = {
        name: torch.stack([network.get_buffer(name) for network in networks])
        for name, _ in networks[0].named_buffers()
    }
    gradients = {
        _gradient_of(name): torch.stack([_gradient(value) for value in values])
        for name, values in parameters.items()
    }
    return {"evaluation": evaluated, "training": trained, **gradients, **buffers}


def _step_of_fleet(fleet: Fleet, inputs: Inputs) -> Step:
    with torch.no_grad():
        evaluated = fleet.forward(inputs)
    trained = _differentiate(lambda: fleet.forward(inputs, 1))
    gradients = {_gradient_of(name): _gradient(value) for name, value in fleet.parameters.items()}
    return {"evaluation": evaluated, "training": trained, **gradients, **fleet.buffers}


def _differentiate(forward: Callable[[], Tensor]) -> Tensor:
    outputs = forward()
    outputs.square().flatten(1).mean(1).sum().backward()
    return outputs.detach()


def _gradient_of(name: str) -> str:
    return GRADIENT + name


def _gradient(parameter: Tensor) -> Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


def _require_equal(networks: Mapping[str, Tensor], fleet: Mapping[str, Tensor]) -> None:
    """Raise `Unsupported` if the steps of networks and fleet differ by more than rounding errors.

    All gradients are measured against the largest one, because the gradient of a bias before a
    batch norm consists of rounding errors.
    """
    tolerance = TOLERANCES[networks["evaluation"].dtype]
    sizes = {name: _largest(value) for name, value in networks.items()}
    gradient = max((size for name, size in sizes.items() if name.startswith(GRADIENT)), default=0.0)
    for name, expected in networks.items():
        if fleet[name].shape != expected.shape:
            raise Unsupported(f"the shape of its step differs from the network's own in {name}")
        error = _largest(fleet[name].double() - expected.double())
        if not error <= tolerance * (gradient if name.startswith(GRADIENT) else sizes[name]):
            raise Unsupported(f"its step differs from the network's own by {error:.1g} in {name}")


def _largest(value: Tensor) -> float:
    return value.double().abs().max().item() if value.numel() else 0.0
