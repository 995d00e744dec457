"""Selection of the prunable weights: those of the layers that the user names."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from torch import nn

from paretoprune.errors import UsageError

CONVOLUTIONS = (
    *(nn.Conv1d, nn.Conv2d, nn.Conv3d),
    *(nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
)
DENSE = (nn.Linear, nn.MultiheadAttention)
PRUNABLE: dict[str, tuple[type[nn.Module], ...]] = {
    "linear": DENSE,
    "conv": CONVOLUTIONS,
    "all": (*DENSE, *CONVOLUTIONS),
}
# The in_proj and *_proj tensors project the queries, keys and values of attention: one or three.
TENSORS = ("weight", "in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight")
LONGEST = 200  # characters of a name, as in the table


def prunable_names(model: nn.Module, chosen: str, excluded: str = "") -> tuple[str, ...]:
    """Return the names of the prunable weight tensors (never biases), in the model's order.

    Args:
        model: The network.
        chosen: Kinds of layers (the keys of `PRUNABLE`) or patterns on layer names, such as
            `features.*`, separated by commas.
        excluded: The layers to leave out, in the same form.

    Raises:
        UsageError: If a kind or pattern matches no layer, if no layer is left, or if the name of a
            layer cannot be printed and drawn.
    """
    names = matching(model, chosen, "--prunable")
    if excluded:
        out = set(matching(model, excluded, "--exclude"))
        names = tuple(name for name in names if name not in out)
        if not names:
            raise UsageError(f"--exclude {excluded} leaves no prunable layers: exclude fewer")
    for name in names:
        if not (name.isprintable() and len(name) <= LONGEST and "$" not in name):
            raise UsageError(f"the layer {name} has a name that cannot be drawn: give it another")
    return names


def matching(model: nn.Module, words: str, option: str) -> tuple[str, ...]:
    """Return the names of the weight tensors that the words of an option match, in order."""
    tensors = [name for name, p in model.named_parameters() if p.ndim > 1 and p.requires_grad]
    found: set[str] = set()
    for word in filter(None, map(str.strip, words.split(","))):
        if word in PRUNABLE:
            matched = tuple(n for n in weight_names(model, PRUNABLE[word]) if n in tensors)
        else:
            matched = tuple(name for name in tensors if matches(name, word))
        if not matched:
            raise UsageError(nothing_for(model, word, option, tensors))
        found |= set(matched)
    if not found:
        raise UsageError(f"{option} names no layers: give {', '.join(PRUNABLE)} or a pattern")
    return tuple(name for name in tensors if name in found)


def matches(name: str, pattern: str) -> bool:
    """Return whether a pattern matches the name of a tensor or of its layer."""
    return fnmatchcase(name.removesuffix(".weight"), pattern) or fnmatchcase(name, pattern)


def nothing_for(model: nn.Module, word: str, option: str, tensors: Iterable[str]) -> str:
    """Return the error message for a word that matches no layer."""
    layers = ", ".join(name.removesuffix(".weight") for name in tensors) or "none"
    if word not in PRUNABLE:
        return (
            f"{option} {word} is neither {', '.join(PRUNABLE)} nor the name of a layer or a pattern"
            f" on them: the layers with weights are {layers}"
        )
    fitting = [kind for kind, types in PRUNABLE.items() if weight_names(model, types)]
    return (
        f"the model has no layers for {option} {word}; it has some for: "
        f"{', '.join(fitting) or 'none'}; its layers with weights are {layers}"
    )


def weight_names(model: nn.Module, types: tuple[type[nn.Module], ...]) -> tuple[str, ...]:
    """Return the names of the weight tensors (never biases) of the modules of these types.

    A tensor that several layers share is listed once, under its first name.
    """
    names = {id(tensor): name for name, tensor in model.named_parameters()}
    found = (
        names[id(tensor)]
        for module in model.modules()
        if isinstance(module, types)
        for local, tensor in module.named_parameters(recurse=False)
        if local in TENSORS
    )
    return tuple(dict.fromkeys(found))
