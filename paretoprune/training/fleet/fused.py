"""Fused backend, the fastest one: a layer of all networks is computed in one call."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, fx, nn
from torch.fx.node import map_arg

from paretoprune.training.fleet import fused_layers as layers
from paretoprune.training.fleet.fused_functions import FUNCTIONS
from paretoprune.training.fleet.fused_layers import Keys, Tensors, Unsupported, channels_last

ELEMENTWISE = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish),
    *(nn.Tanh, nn.Sigmoid, nn.Softplus, nn.Hardtanh, nn.Hardswish, nn.Hardsigmoid, nn.Identity),
)
LAYERS: dict[type[nn.Module], Callable[..., Tensor]] = {
    nn.Linear: layers.linear,
    nn.Conv2d: layers.conv2d,
    nn.AvgPool2d: layers.pool2d,
    nn.MaxPool2d: layers.pool2d,
    nn.AdaptiveAvgPool2d: layers.pool2d,
    nn.AdaptiveMaxPool2d: layers.pool2d,
    nn.BatchNorm1d: layers.batch_norm,
    nn.BatchNorm2d: layers.batch_norm,
    nn.Dropout: layers.dropout,
    nn.Flatten: layers.flatten,
    **dict.fromkeys(ELEMENTWISE, layers.elementwise),
}
Call = Callable[[list[Any], dict[str, Any], Tensors, Keys], Any]


def forward_of(architecture: nn.Module) -> Callable[[Tensors, Sequence[Tensor], Keys], Tensor]:
    """Return a fused forward pass, made by tracing an architecture and replacing each of its calls.

    Raises:
        Unsupported: If the architecture cannot be traced, or if a call has no fused counterpart.
    """
    try:
        graph = fx.symbolic_trace(architecture).graph
    except Exception as error:  # a module's forward may raise anything under tracing
        raise Unsupported(f"its forward cannot be traced: {error}") from error
    placeholders = graph.find_nodes(op="placeholder")
    (output,) = graph.find_nodes(op="output")
    calls = {
        node: _counterpart(node, architecture, index)
        for index, node in enumerate(n for n in graph.nodes if n not in (*placeholders, output))
    }
    last_uses = _last_uses(graph)

    def forward(tensors: Tensors, inputs: Sequence[Tensor], keys: Keys) -> Tensor:
        if len(placeholders) != len(inputs):
            raise Unsupported(f"its forward takes {', '.join(map(str, placeholders))}")
        values: dict[fx.Node, Any] = {
            node: channels_last(x).unsqueeze(0)
            for node, x in zip(placeholders, inputs, strict=True)
        }
        for node, call in calls.items():
            arguments = map_arg((node.args, node.kwargs), values.__getitem__)
            values[node] = call(*arguments, tensors, keys)
            for spent in last_uses[node]:
                del values[spent]
        result: Tensor = map_arg(output.args[0], values.__getitem__)
        return result

    return forward


def _counterpart(node: fx.Node, architecture: nn.Module, index: int) -> Call:
    """Return the fused counterpart of the call at `index`, which keys the random numbers."""
    if node.op == "call_module":
        return _layer(str(node.target), architecture.get_submodule(str(node.target)), index)
    run = FUNCTIONS.get(node.target) if node.op in ("call_function", "call_method") else None
    if run is None:
        raise Unsupported(
            f"{getattr(node.target, '__name__', node.target)} has no fused counterpart"
        )
    return lambda args, kwargs, tensors, keys: run(*args, **kwargs)


def _layer(name: str, layer: nn.Module, index: int) -> Call:
    run = LAYERS.get(type(layer))
    if run is None:
        raise Unsupported(f"{type(layer).__name__} has no fused counterpart")
    names = [local for local, _ in (*layer.named_parameters(), *layer.named_buffers())]

    def call(args: list[Any], kwargs: dict[str, Any], tensors: Tensors, keys: Keys) -> Tensor:
        layer_tensors = {local: tensors[f"{name}.{local}"] for local in names}
        layer_keys = None if keys is None else [(*key, index) for key in keys]
        return run(layer, layer_tensors, *args, layer_keys, **kwargs)

    return call


def _last_uses(graph: fx.Graph) -> dict[fx.Node, list[fx.Node]]:
    """Return the values that each node is the last to use, so that their memory can be freed."""
    spent, seen = defaultdict(list), set[fx.Node]()
    for node in reversed(graph.nodes):
        for used in node.all_input_nodes:
            if used not in seen:
                seen.add(used)
                spent[node].append(used)
    return spent
