"""Fused functions: stacked counterparts of the functions that a module's `forward` calls.

An activation has the shape `[K, B, *features]` here, but `[B, *features]` for the author of a
network. So each dimension that the network names is shifted by one.
"""

import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from paretoprune.training.fleet.fused_layers import Unsupported, flatten_features


def reshape(x: Tensor, *shape: Any) -> Tensor:
    """Reshape an activation, as `x.view(x.size(0), -1)` and `x.reshape(...)` do for one network."""
    wanted = shape[0] if isinstance(shape[0], tuple | list) else shape
    return x.reshape(x.shape[0], *wanted)


def size(x: Tensor, dim: int | None = None) -> Any:
    """Return what `x.size()` and `x.size(dim)` are for one network."""
    shape = x.shape[1:]
    return shape if dim is None else shape[dim]


def item(values: Any, index: int) -> Any:
    """Return an entry of a shape; raise `Unsupported` for an activation."""
    if isinstance(values, Tensor):
        raise Unsupported("its forward takes parts of an activation")
    return values[index]


def attribute(x: Tensor, name: str) -> Any:
    """Return `x.shape`; raise `Unsupported` for any other attribute."""
    if name != "shape":
        raise Unsupported(f"its forward reads .{name}")
    return size(x)


# The keys are what torch.fx records: a function, or the name of a method. Binary operators take
# activations with equal numbers of dimensions, or numbers.
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
