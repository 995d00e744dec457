"""How long does a network take to answer?"""

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
    """Time networks in evaluation mode on the device on which they and the samples lie.

    In rounds, each network in turn, so that the noise of the machine hits all alike; about
    `seconds` for each network and batch, and 7 rounds at least. Raises `CouldNotError` where a
    network cannot take a batch.
    """
    with _evaluation(networks.values()):
        return [
            latency
            for batch in batches
            for latency in _measure(networks, batch_of(inputs, batch), batch, seconds)
        ]


@contextlib.contextmanager
def _evaluation(networks: Iterable[nn.Module]) -> Iterator[None]:
    """Put networks in evaluation mode for a while; no copies, as CSR matrices have none."""
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
            time_call(network, inputs)  # the one before it has filled the caches
            taken[name].append(time_call(network, inputs))
        rounds += 1
    return [_latency(name, batch, times) for name, times in taken.items()]


def _warm_up(name: str, network: nn.Module, inputs: Inputs, batch: int) -> None:
    try:
        time_call(network, inputs)
    except Exception as error:  # the network's own code, or no memory
        raise CouldNotError(
            f"cannot time {name} on a batch of {batch} ({first_line(error)}): ask for batches that "
            "it takes"
        ) from error


def time_call(network: nn.Module, inputs: Inputs) -> float:
    """Seconds until a network has answered."""
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
