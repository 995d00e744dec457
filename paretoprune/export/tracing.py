"""Tracing: a network as a graph that no longer needs its Python code."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

from torch import nn
from torch.export import Dim, ExportedProgram, export

from paretoprune.errors import CouldNotError, ParetopruneError
from paretoprune.export.inference import Inputs, batch_of, evaluated, is_batched
from paretoprune.study.storage.atomic import first_line

BATCH = "batch"  # the name of the axis along which the samples lie
ONLY_WEIGHTS = "write .safetensors, which takes no more than the weights"


def trace(network: nn.Module, inputs: Inputs, path: Path) -> tuple[ExportedProgram, bool]:
    """Trace a network on the CPU.

    The program contains neither the samples nor the location of the network's code.

    Args:
        network: The network.
        inputs: Samples as the network is called with them, [B, ...] each.
        path: The file to be written, for messages.

    Returns:
        The program, and whether it takes batches of any size.

    Raises:
        CouldNotError: If the network cannot be traced.
    """
    copy = evaluated(network).cpu()
    inputs = tuple(each.cpu() for each in inputs)
    two = batch_of(inputs, 2)  # a trace of one sample would fix the batch size
    with attempting(f"trace the network for {path}"):
        try:
            program, varies = export(copy, two, dynamic_shapes=axes_of(inputs)), True
        except Exception:  # its type varies
            program, varies = export(copy, inputs), False
    program.example_inputs = None
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)
    return program, varies


def axes_of(inputs: Inputs) -> tuple[dict[int, Dim], ...]:
    """Return the axes of each input whose length may vary."""
    batch = Dim(BATCH)
    return tuple({0: batch} if is_batched(each, inputs) else {} for each in inputs)


def notes_on(path: Path, inputs: Inputs, varies: bool) -> tuple[str, ...]:
    """Return what a user must know about a traced file."""
    if varies:
        return ()
    return (
        f"{path} takes batches of exactly {len(inputs[0])}: the network does not let their size "
        "vary",
    )


@contextlib.contextmanager
def attempting(action: str, remedy: str = ONLY_WEIGHTS) -> Iterator[None]:
    """Replace an error of torch by a `CouldNotError` that holds its first line, and print nothing.

    `action` says what could not be done, `remedy` what the user can do instead.
    """
    try:
        with quiet():
            yield
    except ParetopruneError:
        raise
    except Exception as error:  # torch, onnxscript and onnxruntime raise many types
        raise CouldNotError(f"cannot {action} ({first_line(error)}): {remedy}") from error


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Suppress what libraries print, log and warn about."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    nowhere = io.StringIO()
    try:
        with (
            warnings.catch_warnings(action="ignore"),
            contextlib.redirect_stdout(nowhere),
            contextlib.redirect_stderr(nowhere),
        ):
            yield
    finally:
        logging.disable(before)
