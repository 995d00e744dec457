"""PT2: write a network as a program of `torch.export`, and read it back."""

import io
from functools import partial
from pathlib import Path

import torch
from torch import nn

from paretoprune.export.inference import Inputs
from paretoprune.export.loaded import Opened
from paretoprune.export.tracing import attempting, notes_on, trace
from paretoprune.study.storage.atomic import write_aside, write_bytes


def write(network: nn.Module, inputs: Inputs, path: Path) -> tuple[str, ...]:
    """Write a network as a .pt2 file; `torch.export.load(path).module()` runs it."""
    program, varies = trace(network, inputs, path)
    content = io.BytesIO()
    with attempting(f"write {path}"):
        torch.export.save(program, content)
    write_aside(path, partial(write_bytes, content.getvalue()))
    return notes_on(path, inputs, varies)


def read(path: Path, network: nn.Module) -> Opened:
    """Open a .pt2 file."""
    program = torch.export.load(path)
    return Opened(program.module(), varies=bool(program.range_constraints))
