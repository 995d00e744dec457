"""Parameter and FLOP counts of a network, for one sample."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from paretoprune.errors import UsageError

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)

Places = tuple[Tensor, float]  # a weight tensor, and at how many places a batch needs it


@dataclass(frozen=True)
class Sizes:
    """What a network stores and computes; 2 FLOPs are 1 MAC, a multiplication and an addition.

    `parameters` are all numbers that are learned, weights and biases, a shared tensor once;
    `nonzeros` of them are not exactly zero. `neurons` are outputs of Linear layers and filters
    of convolutions. `dense_flops` is the cost of one sample, `flops` what is left of it where
    weights that are exactly zero cost nothing.
    """

    parameters: int
    nonzeros: int
    neurons: int
    dense_flops: int
    flops: int


def sizes_of(network: nn.Module, inputs: tuple[Tensor, ...]) -> Sizes:
    """Count a network, which `inputs`, a batch [B, ...] each, are passed through once.

    Raises `UsageError` where the network does not take these inputs.
    """
    with FlopCounterMode(display=False) as counter:
        places = positions(network, inputs)
    tensors = dict(network.named_parameters())
    stored = {name: tensor.numel() for name, tensor in tensors.items()}
    left = {name: int(torch.count_nonzero(tensor)) for name, tensor in tensors.items()}
    dense = counter.get_total_flops() / len(inputs[0])
    saved = sum(2 * times * (stored[name] - left[name]) for name, times in places.items())
    return Sizes(
        parameters=sum(stored.values()),
        nonzeros=sum(left.values()),
        neurons=sum(map(_outputs, network.modules())),
        dense_flops=round(dense),
        flops=round(dense - saved),
    )


def positions(network: nn.Module, inputs: tuple[Tensor, ...]) -> dict[str, float]:
    """At how many places of one sample each number of a weight tensor is multiplied, by name.

    H'W' for a convolution, HW for a transposed one, the number of tokens for Linear and for
    attention: where queries and keys are of different numbers, the mean over their projections.
    `inputs` are a batch, [B, ...] each. Raises `UsageError` where the network does not take them.
    """
    names = {id(tensor): name for name, tensor in network.named_parameters()}
    found: dict[str, float] = {}

    def record(layer: nn.Module, given: Any, named: dict[str, Any], result: Any) -> None:
        for tensor, times in _places(layer, given, named, result):
            name = names.get(id(tensor))
            if name is not None:  # others are computed from what is learned
                found[name] = found.get(name, 0.0) + times / len(inputs[0])

    with ExitStack() as hooks:
        for layer in network.modules():
            handle = layer.register_forward_hook(record, with_kwargs=True)
            hooks.callback(handle.remove)
        outputs_of(network, inputs)
    return found


def outputs_of(network: nn.Module, inputs: tuple[Tensor, ...]) -> Any:
    """What a network makes of `inputs` in evaluation mode, computed layer by layer.

    Raises `UsageError` where it does not take them.
    """
    with evaluating(network), torch.no_grad(), unfused():
        try:
            return network(*inputs)
        except Exception as error:
            shapes = ", ".join(str(list(one.shape)) for one in inputs)
            first_line = str(error).partition("\n")[0]
            raise UsageError(
                f"the network does not take inputs of shape {shapes or 'nothing'} "
                f"({type(error).__name__}: {first_line}): give it a batch that it was made for"
            ) from error


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Evaluation mode for a while; each module then gets back the mode that it had."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


@contextmanager
def unfused() -> Iterator[None]:
    """Attention for a while in steps that hooks and counters see, on every device alike."""
    is_fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(is_fast)


def _outputs(layer: nn.Module) -> int:
    """Neurons of a Linear layer, filters of a convolution."""
    if isinstance(layer, nn.Linear):
        return layer.out_features
    return layer.out_channels if isinstance(layer, CONVOLUTIONS + TRANSPOSED) else 0


def _places(
    layer: nn.Module, given: tuple[Any, ...], named: dict[str, Any], result: Any
) -> list[Places]:
    """The weights that a layer has just used, and at how many places of the batch."""
    if isinstance(layer, nn.MultiheadAttention):
        called = dict(zip(("query", "key", "value"), given, strict=False)) | named
        return list(_places_of_attention(layer, called))
    if isinstance(layer, nn.Linear):
        return [(layer.weight, result.numel() / layer.out_features)]
    if isinstance(layer, CONVOLUTIONS):
        return [(layer.weight, result.numel() / layer.out_channels)]
    if isinstance(layer, TRANSPOSED):
        image = given[0] if given else named["input"]
        return [(layer.weight, image.numel() / layer.in_channels)]
    return []


def _places_of_attention(layer: nn.MultiheadAttention, called: dict[str, Any]) -> Iterator[Places]:
    """Queries, keys and values are projected, and then what comes out of them."""
    widths = {"query": layer.embed_dim, "key": layer.kdim, "value": layer.vdim}
    tokens = [called[name].numel() / width for name, width in widths.items()]
    if layer.in_proj_weight is not None:
        yield layer.in_proj_weight, sum(tokens) / 3
    else:
        own = (layer.q_proj_weight, layer.k_proj_weight, layer.v_proj_weight)
        yield from zip(own, tokens, strict=True)
    yield layer.out_proj.weight, tokens[0]
