"""Latency: how long a network takes to answer."""

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from paretoprune.errors import CouldNotError
from paretoprune.export.inference import Inputs, batch_of
from paretoprune.study.storage.atomic import first_line

LEAST_ROUNDS = 7


@dataclass(frozen=True)
class Latency:
    """Seconds that a network takes for a batch: median and quartiles of `n` calls."""

    network: str
    batch: int
    median: float
    low: float
    high: float
    n: int


def measure(
    networks: Mapping[str, nn.Module],
    inputs: Inputs,
    batches: Sequence[int] = (1, 64),
    seconds: float = 1.0,
) -> list[Latency]:
    """Time networks in evaluation mode, on the device of the networks and the samples.

    The networks are timed in turn, round after round, so that the noise of the machine affects all
    of them alike. There are at least 7 rounds.

    Args:
        networks: The networks by name.
        inputs: Samples as the networks are called with them, [B, ...] each.
        batches: The batch sizes.
        seconds: Time for each network and batch size, approximately.

    Raises:
        CouldNotError: If a network cannot take a batch.
    """
    with _evaluation(networks.values()):
        return [
            latency
            for batch in batches
            for latency in _measure(networks, batch_of(inputs, batch), batch, seconds)
        ]


@contextlib.contextmanager
def _evaluation(networks: Iterable[nn.Module]) -> Iterator[None]:
    """Put networks in evaluation mode temporarily, without copies, as CSR matrices have none."""
    modes = [(layer, layer.training) for network in networks for layer in network.modules()]
    for layer, _ in modes:
        layer.training = False
    try:
        yield
    finally:
        for layer, mode in modes:
            layer.training = mode


def _measure(
    networks: Mapping[str, nn.Module], inputs: Inputs, batch: int, seconds: float
) -> list[Latency]:
    for name, network in networks.items():
        _warm_up(name, network, inputs, batch)
    taken: dict[str, list[float]] = {name: [] for name in networks}
    end = time.perf_counter() + seconds * len(networks)
    rounds = 0
    while networks and (rounds < LEAST_ROUNDS or time.perf_counter() < end):
        for name, network in networks.items():
            time_call(network, inputs)  # another network has filled the caches
            taken[name].append(time_call(network, inputs))
        rounds += 1
    return [_latency(name, batch, times) for name, times in taken.items()]


def _warm_up(name: str, network: nn.Module, inputs: Inputs, batch: int) -> None:
    try:
        time_call(network, inputs)
    except Exception as error:  # from the network's code, or for lack of memory
        raise CouldNotError(
            f"cannot time {name} on a batch of {batch} ({first_line(error)}): ask for batches that "
            "it takes"
        ) from error


def time_call(network: nn.Module, inputs: Inputs) -> float:
    """Return the seconds that a network takes for an answer."""
    with torch.inference_mode():
        _wait(inputs)
        start = time.perf_counter()
        network(*inputs)
        _wait(inputs)
        return time.perf_counter() - start


def _wait(inputs: Inputs) -> None:
    if inputs[0].is_cuda:
        torch.cuda.synchronize(inputs[0].device)


def _latency(name: str, batch: int, times: Sequence[float]) -> Latency:
    low, median, high = np.quantile(times, (0.25, 0.5, 0.75)).tolist()
    return Latency(name, batch, median, low, high, len(times))
