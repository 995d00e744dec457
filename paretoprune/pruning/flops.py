"""Parameter and FLOP counts of a network, dense and sparse."""

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

Uses = tuple[Tensor, float]  # a weight tensor, and how often a batch uses each of its weights


@dataclass(frozen=True)
class Counts:
    """Parameter and FLOP counts of a network.

    Attributes:
        parameters: Number of learned weights and biases; a shared tensor counts once.
        nonzeros: Number of parameters that are not exactly zero.
        neurons: Outputs of Linear layers plus filters of convolutions.
        dense_flops: FLOPs of one sample; a multiplication and an addition (1 MAC) are 2 FLOPs.
        flops: The same without the FLOPs of weights that are exactly zero.
    """

    parameters: int
    nonzeros: int
    neurons: int
    dense_flops: int
    flops: int


def counts_of(network: nn.Module, inputs: tuple[Tensor, ...]) -> Counts:
    """Count the parameters and FLOPs of a network in one forward pass.

    Args:
        network: The network; it is not changed.
        inputs: The arguments of its forward pass, each a batch [B, ...].

    Raises:
        UsageError: If the network does not take these inputs.
    """
    with FlopCounterMode(display=False) as counter:
        uses = uses_per_weight(network, inputs)
    tensors = dict(network.named_parameters())
    stored = {name: tensor.numel() for name, tensor in tensors.items()}
    nonzeros = {name: int(torch.count_nonzero(tensor)) for name, tensor in tensors.items()}
    dense = counter.get_total_flops() / len(inputs[0])
    saved = sum(2 * times * (stored[name] - nonzeros[name]) for name, times in uses.items())
    return Counts(
        parameters=sum(stored.values()),
        nonzeros=sum(nonzeros.values()),
        neurons=sum(map(_outputs, network.modules())),
        dense_flops=round(dense),
        flops=round(dense - saved),
    )


def uses_per_weight(network: nn.Module, inputs: tuple[Tensor, ...]) -> dict[str, float]:
    """Count how often one sample uses each weight of a tensor in a multiplication, by name.

    The count is H'W' (the size of the output) for a convolution, HW (the size of the input) for a
    transposed one, and the number of tokens for Linear and for attention. If the numbers of
    queries, keys and values differ, their joint input projection counts with the mean of the three.

    Args:
        network: The network; it is not changed.
        inputs: The arguments of its forward pass, each a batch [B, ...].

    Raises:
        UsageError: If the network does not take these inputs.
    """
    names = {id(tensor): name for name, tensor in network.named_parameters()}
    found: dict[str, float] = {}

    def record(layer: nn.Module, given: Any, named: dict[str, Any], result: Any) -> None:
        for tensor, times in _uses(layer, given, named, result):
            name = names.get(id(tensor))
            if name is not None:  # other tensors are computed from the parameters
                found[name] = found.get(name, 0.0) + times / len(inputs[0])

    with ExitStack() as hooks:
        for layer in network.modules():
            handle = layer.register_forward_hook(record, with_kwargs=True)
            hooks.callback(handle.remove)
        outputs_of(network, inputs)
    return found


def outputs_of(network: nn.Module, inputs: tuple[Tensor, ...]) -> Any:
    """Return the outputs of a network in evaluation mode, without gradients or fused attention.

    Raises `UsageError` if the network does not take these inputs.
    """
    with evaluating(network), torch.no_grad(), unfused():
        try:
            return network(*(tensor.clone() for tensor in inputs))  # a forward may change them
        except Exception as error:
            shapes = ", ".join(str(list(x.shape)) for x in inputs)
            first_line = str(error).partition("\n")[0]
            raise UsageError(
                f"the network does not take inputs of shape {shapes or 'nothing'} "
                f"({type(error).__name__}: {first_line}): give it a batch that it was made for"
            ) from error


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Put a network into evaluation mode within the block; then restore the mode of each module."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


@contextmanager
def unfused() -> Iterator[None]:
    """Compute attention in separate steps within the block, on every device alike.

    Fused kernels would hide these steps from hooks and from the FLOP counter.
    """
    is_fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(is_fast)


def _outputs(layer: nn.Module) -> int:
    """Return the number of neurons of a Linear layer or filters of a convolution, else 0."""
    if isinstance(layer, nn.Linear):
        return layer.out_features
    return layer.out_channels if isinstance(layer, CONVOLUTIONS + TRANSPOSED) else 0


def _uses(
    layer: nn.Module, given: tuple[Any, ...], named: dict[str, Any], result: Any
) -> list[Uses]:
    """Return the weights that a layer has just used, and how often the batch used each of them."""
    if isinstance(layer, nn.MultiheadAttention):
        called = dict(zip(("query", "key", "value"), given, strict=False)) | named
        return list(_uses_of_attention(layer, called))
    if isinstance(layer, nn.Linear):
        return [(layer.weight, result.numel() / layer.out_features)]
    if isinstance(layer, CONVOLUTIONS):
        return [(layer.weight, result.numel() / layer.out_channels)]
    if isinstance(layer, TRANSPOSED):
        image = given[0] if given else named["input"]
        return [(layer.weight, image.numel() / layer.in_channels)]
    return []


def _uses_of_attention(layer: nn.MultiheadAttention, called: dict[str, Any]) -> Iterator[Uses]:
    """Yield the projections of queries, keys and values, and the output projection."""
    widths = {"query": layer.embed_dim, "key": layer.kdim, "value": layer.vdim}
    tokens = [called[name].numel() / width for name, width in widths.items()]
    if layer.in_proj_weight is not None:
        yield layer.in_proj_weight, sum(tokens) / 3
    else:
        projections = (layer.q_proj_weight, layer.k_proj_weight, layer.v_proj_weight)
        yield from zip(projections, tokens, strict=True)
    yield layer.out_proj.weight, tokens[0]
