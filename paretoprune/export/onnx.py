"""ONNX: write a network so that it runs without PyTorch, and read it back."""

from functools import partial
from importlib import import_module
from pathlib import Path

import torch
from torch import Tensor, nn

from paretoprune.errors import CouldNotError
from paretoprune.export.inference import Inputs
from paretoprune.export.loaded import Opened
from paretoprune.export.tracing import attempting, axes_of, notes_on, trace
from paretoprune.study.storage.atomic import write_aside, write_bytes

PACKAGES = ("onnx", "onnxscript", "onnxruntime")
MOST_BYTES = 2**31  # limit of a protocol buffer; larger weights need a second file
ERRORS_ONLY = 3  # log level of ONNX Runtime


def write(network: nn.Module, inputs: Inputs, path: Path) -> tuple[str, ...]:
    """Write a network as ONNX with its weights inside; the first axis is called `batch`.

    Raises:
        CouldNotError: If a package is missing, if the weights take 2 GB, or if the network cannot
            be translated.
    """
    for name in PACKAGES:
        require(name)
    weights = sum(tensor.nbytes for tensor in (*network.parameters(), *network.buffers()))
    if weights >= MOST_BYTES:
        raise CouldNotError(
            f"{path} cannot hold weights of {weights:,} bytes, as ONNX files end at "
            f"{MOST_BYTES:,}: write .pt2 or .safetensors"
        )
    program, varies = trace(network, inputs, path)
    with attempting(f"translate the network to ONNX for {path}"):
        shapes = axes_of(inputs) if varies else None  # repeated for the name of the axis
        translated = torch.onnx.export(program, dynamo=True, dynamic_shapes=shapes)
        assert translated is not None
        for node in translated.model.graph.all_nodes():
            node.metadata_props.clear()  # for debuggers only; may outweigh a few weights
        content = translated.model_proto.SerializeToString()
    write_aside(path, partial(write_bytes, content))
    return notes_on(path, inputs, varies)


def require(package: str) -> None:
    """Raise `CouldNotError` if a package is missing."""
    try:
        import_module(package)
    except ImportError as error:
        raise CouldNotError(
            f"ONNX needs the package {package}: pip install 'paretoprune[onnx]', or write .pt2 or "
            ".safetensors"
        ) from error


def read(path: Path, network: nn.Module) -> Opened:
    """Open an ONNX file on the CPU; raise `CouldNotError` if ONNX Runtime is missing."""
    require("onnxruntime")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    taken = session.get_inputs()

    def answer(*inputs: Tensor) -> list[Tensor]:
        named = {each.name: x.numpy() for each, x in zip(taken, inputs, strict=True)}
        return [torch.as_tensor(output) for output in session.run(None, named)]

    return Opened(answer, varies=any(isinstance(length, str) for length in taken[0].shape))
