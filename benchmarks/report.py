"""What every benchmark says of itself: where it ran, how often, and how far its values spread."""

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

LIBRARIES = ("paretoprune", "torch", "numpy", "pandas", "pyarrow")


def machine() -> dict[str, Any]:
    """Hardware and versions."""
    import torch

    cuda = torch.cuda.is_available()
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "gpu": torch.cuda.get_device_name() if cuda else None,
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        **{library: version(library) for library in LIBRARIES},
    }


def processor() -> str:
    """The processor's name, with the widest vectors that it knows."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return platform.processor()
    lines = cpuinfo.read_text().splitlines()
    found = {line.split(":")[0].strip(): line.split(":", 1)[1] for line in lines if ":" in line}
    flags = found.get("flags", "").split()
    widest = next((name for name in ("avx512f", "avx2") if name in flags), "")
    return f"{found.get('model name', platform.machine()).strip()} {widest}".strip()


def summary(values: Sequence[float]) -> dict[str, Any]:
    """n, median, and the spread of values that were measured in turn."""
    return {
        "n": len(values),
        "median": statistics.median(values),
        "least": min(values),
        "most": max(values),
        "values": list(values),
    }


def in_words(values: Sequence[float], form: str = ".2f") -> str:
    """`median (least to most)`."""
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown, aligned."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [header, ["-" * width for width in widths], *rows]
    return "\n".join(
        f"| {' | '.join(cell.ljust(w) for cell, w in zip(line, widths, strict=True))} |"
        for line in lines
    )


def publish(path: Path, text: str, measured: Mapping[str, Any], command: str) -> None:
    """Print the table below the machine, and write everything as JSON."""
    where = machine()
    print(", ".join(f"{name} {value}" for name, value in where.items() if value))
    print(f"{command}\n\n{text}")
    path.write_text(json.dumps({"command": command, "machine": where, **measured}, indent=1))
    print(f"\nwritten: {path}")
