"""Input normalization: how inputs are scaled before a network sees them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from paretoprune.problem.datasets import Data
from paretoprune.problem.datasets.parts import is_image

# Shift and scale of an input x, which becomes (x - shift) / scale: [C, 1, ...] each. `None` leaves
# it unchanged.
Scaling = tuple[Tensor, Tensor] | None


def scaled(inputs: Sequence[Tensor], scalings: Sequence[Scaling]) -> tuple[Tensor, ...]:
    """Scale stored inputs as a network sees them; `scalings` has one entry per input."""
    return tuple(map(_scaled, inputs, scalings))


def _scaled(x: Tensor, scaling: Scaling) -> Tensor:
    if scaling is None:
        return x.clone()  # a forward may change its inputs, and never the data
    shift, scale = scaling
    return x.to(torch.get_default_dtype(), copy=True).sub_(shift).div_(scale)


def on(device: torch.device, scalings: Sequence[Scaling]) -> tuple[Scaling, ...]:
    """Return the scalings on `device`."""
    return tuple(scaling and (scaling[0].to(device), scaling[1].to(device)) for scaling in scalings)


def in_words(scalings: Sequence[Scaling]) -> str:
    """Describe the scaling of each input, so that users can repeat it."""
    words = []
    for scaling in scalings:
        if scaling is None:
            words.append("as they are")
        else:
            shift, scale = (", ".join(f"{v:.6g}" for v in each.flatten()) for each in scaling)
            words.append(f"(x - [{shift}]) / [{scale}]")
    return "; ".join(words)


def rescale(data: Data) -> tuple[Scaling, ...]:
    """Return scalings that map images to [0, 1] and leave other inputs unchanged."""
    of_bytes = torch.zeros(1, 1, 1), torch.full((1, 1, 1), data.white)
    return tuple(of_bytes if is_image(x) else None for x in data.train.inputs)


def standardize(data: Data) -> tuple[Scaling, ...]:
    """Return scalings to mean 0 and standard deviation 1 over the training samples.

    Images are standardized per channel, other floating-point inputs per entry of their first
    dimension. A channel or entry that is constant is only shifted. Whole numbers that are not
    images, and inputs of one number per sample (`[N]`), stay unchanged.
    """
    return tuple(_standardize(x) for x in data.train.inputs)


def _standardize(x: Tensor) -> Scaling:
    if is_image(x):
        mean, deviation = _moments_of_bytes(x)
    elif x.is_floating_point() and x.ndim > 1:
        columns = x.double().transpose(0, 1).flatten(1)  # [C, rest]
        mean, deviation = columns.mean(1), columns.std(1, correction=0)
    else:
        return None
    deviation[deviation == 0] = 1.0
    shape, dtype = (-1, *[1] * (x.ndim - 2)), torch.get_default_dtype()
    return mean.view(shape).to(dtype), deviation.view(shape).to(dtype)


def _moments_of_bytes(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean and the standard deviation of each channel, [C] each."""
    counts = torch.stack(  # exact, and without a copy of the images as floats
        [torch.bincount(images[:, c].flatten(), minlength=256) for c in range(images.shape[1])]
    ).double()
    shares = counts / counts.sum(1, keepdim=True)
    values = torch.arange(256, dtype=torch.float64)
    mean = (shares * values).sum(1)
    return mean, (shares * (values - mean[:, None]) ** 2).sum(1).sqrt()
