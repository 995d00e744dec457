"""The stacked counterpart of what a module's `forward` calls beside its layers.

An activation is `[K, B, *features]` here where the author of a network sees `[B, *features]`, so
each dimension that the network names is one further on.
"""

import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from paretoprune.training.fleet.fused_layers import Unfit, flatten_features


def reshape(x: Tensor, *shape: Any) -> Tensor:
    """`view` and `reshape`, as in `x.view(x.size(0), -1)`."""
    wanted = shape[0] if isinstance(shape[0], tuple | list) else shape
    return x.reshape(x.shape[0], *wanted)


def size(x: Tensor, dim: int | None = None) -> Any:
    """`x.size()` and `x.size(dim)`."""
    own = x.shape[1:]
    return own if dim is None else own[dim]


def item(values: Any, place: int) -> Any:
    """An entry of a shape; in an activation it would be a network."""
    if isinstance(values, Tensor):
        raise Unfit("its forward takes parts of an activation")
    return values[place]


def attribute(x: Tensor, name: str) -> Any:
    """`x.shape`; nothing else is known."""
    if name != "shape":
        raise Unfit(f"its forward reads .{name}")
    return size(x)


# By what torch.fx records: a function, or a method's name. Binary operators take activations of
# equally many dimensions, or numbers.
FUNCTIONS: dict[Callable[..., Any] | str, Callable[..., Any]] = {
    **{f: f for f in (operator.add, operator.iadd, operator.sub, operator.mul)},
    **{f: f for f in (torch.add, torch.relu, torch.tanh, torch.sigmoid)},
    **{f: f for f in (functional.relu, functional.elu, functional.gelu, functional.silu)},
    operator.getitem: item,
    "add": torch.add,
    "relu": torch.relu,
    torch.flatten: flatten_features,
    "flatten": flatten_features,
    "view": reshape,
    "reshape": reshape,
    torch.reshape: reshape,
    "size": size,
    getattr: attribute,
}
