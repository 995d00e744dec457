"""Export of a run: a file, checked on data, with its sizes and latencies."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from paretoprune.analysis.snapshot import StudySnapshot
from paretoprune.export import Latency, check_file, file_sizes, measure, with_csr, write_network
from paretoprune.export.formats import format_of
from paretoprune.export.trained_network import chosen_run, load_network
from paretoprune.problem.build import Environment
from paretoprune.problem.normalization import in_words
from paretoprune.pruning.compaction import Compact, compact
from paretoprune.pruning.flops import Counts, counts_of

CHECKED = 1000  # validation samples on which the outputs of networks are compared
TIMED = 64


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A written file, with its accuracy, sizes and latencies.

    Attributes:
        path: The file.
        run_id: Id of the run.
        is_compact: Whether the network was written without its dead neurons.
        inputs: Description of the scaling of the inputs, which the file does not contain.
        notes: Notes for the user about the file.
        samples: Number of validation samples for `max_difference`.
        apart: Largest difference between outputs of the written network and of the study's network.
        file_apart: Largest difference between outputs of the file and of the written network.
        stored: Sizes of the study's network.
        left: Sizes of the compact network.
        removed: Number of dead neurons that compaction removes, by layer.
        stuck: Number of dead neurons that it cannot remove, by layer.
        reason: Why compaction could not be applied; empty if it was.
        file_bytes: Size of the file in bytes.
        gzip_bytes: Size of the file in bytes after compression with gzip.
        latencies: Latencies of the study's network (`dense`), of the compact network (`compact`)
            and of the study's network with its zeros skipped (`sparse`, CSR); empty if they were
            not measured.
    """

    path: Path
    run_id: str
    is_compact: bool
    inputs: str
    notes: tuple[str, ...]
    samples: int
    max_difference: float
    file_max_difference: float
    stored: Counts
    compact_size: Counts
    removed: Mapping[str, int]
    unremovable: Mapping[str, int]
    reason: str
    file_bytes: int
    gzip_bytes: int
    latencies: tuple[Latency, ...]


def export(
    snapshot: StudySnapshot,
    run: str,
    path: Path,
    environment: Environment,
    *,
    is_compact: bool = False,
    is_timed: bool = True,
) -> Exported:
    """Write the network of a run to a file, and check and measure the file.

    Args:
        snapshot: The study; it is not changed.
        run: `knee`, the id of a run, or the beginning of an id.
        path: The file, whose suffix decides the format.
        environment: What the machine or the program adds to the settings of the study.
        is_compact: Whether to write the network without its dead neurons.
        is_timed: Whether to measure latencies.

    Raises:
        UsageError: If the suffix or the run is unknown.
        CouldNotError: If the format cannot hold the network, or if its weights were not kept.
    """
    format_of(path)  # before anything is loaded
    row = chosen_run(snapshot, run)
    network, problem = load_network(snapshot, row, environment)
    inputs = problem.inputs(problem.data.validation[:CHECKED].inputs)
    smaller = compact(network, inputs)
    written = smaller.network if is_compact else network
    few = tuple(x[:TIMED] for x in inputs)
    notes = write_network(written, few, path)
    raw, packed = file_sizes(path)
    return Exported(
        path=path,
        run_id=str(row["run_id"]),
        is_compact=is_compact,
        inputs=in_words(problem.scalings),
        notes=notes,
        samples=len(inputs[0]),
        max_difference=difference(network, written, inputs),
        file_max_difference=check_file(path, written, few),
        stored=counts_of(network, few),
        compact_size=counts_of(smaller.network, few),
        removed=smaller.removed,
        unremovable=smaller.unremovable,
        reason=smaller.reason,
        file_bytes=raw,
        gzip_bytes=packed,
        latencies=tuple(timed(network, smaller, few)) if is_timed else (),
    )


@torch.no_grad()
def difference(first: nn.Module, second: nn.Module, inputs: tuple[Tensor, ...]) -> float:
    """Return the largest absolute difference between the outputs of two networks."""
    return float((first(*inputs) - second(*inputs)).abs().max())


def timed(network: nn.Module, smaller: Compact, inputs: tuple[Tensor, ...]) -> list[Latency]:
    """Measure the latencies of the dense, the compact and, if there is one, the sparse network."""
    networks = {"dense": network, "compact": smaller.network}
    sparse = with_csr(network)
    return measure(networks | ({"sparse": sparse} if sparse is not None else {}), inputs)
