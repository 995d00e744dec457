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

CHECKED = 1000  # validation samples on which a network's outputs are compared
TIMED = 64


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A file and what is known of it.

    `apart` is the largest difference of an output between the network that was written and the
    study's, on `samples` validation samples; `file_apart` that between the file and the network
    that was written. `stored` are the sizes of the study's network, `left` those without its dead
    neurons, of which `removed` counts those of each layer and `stuck` those that have to stay;
    `reason` says why none could be found. `latencies` are those of the study's network (`dense`),
    of the `compact` one, and with its zeros skipped (`sparse`, CSR); none where they were not
    asked for. `inputs` says how what the data hold is scaled before the network sees it.
    """

    path: Path
    run_id: str
    is_compact: bool
    inputs: str
    notes: tuple[str, ...]
    samples: int
    apart: float
    file_apart: float
    stored: Counts
    left: Counts
    removed: Mapping[str, int]
    stuck: Mapping[str, int]
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
    """Write a run's network to a file, whose ending chooses the format; the study stays as it is.

    `run` is `knee`, an id or the beginning of one. Raises `UsageError` for another ending or run,
    `CouldNotError` for a network that the format cannot hold, or whose weights were not kept.
    """
    format_of(path)  # before anything is loaded
    row = chosen_run(snapshot, run)
    network, problem = load_network(snapshot, row, environment)
    inputs = problem.inputs(problem.data.validation[:CHECKED].inputs)
    smaller = compact(network, inputs)
    written = smaller.network if is_compact else network
    few = tuple(one[:TIMED] for one in inputs)
    notes = write_network(written, few, path)
    raw, packed = file_sizes(path)
    return Exported(
        path=path,
        run_id=str(row["run_id"]),
        is_compact=is_compact,
        inputs=in_words(problem.scalings),
        notes=notes,
        samples=len(inputs[0]),
        apart=difference(network, written, inputs),
        file_apart=check_file(path, written, few),
        stored=counts_of(network, few),
        left=counts_of(smaller.network, few),
        removed=smaller.removed,
        stuck=smaller.stuck,
        reason=smaller.reason,
        file_bytes=raw,
        gzip_bytes=packed,
        latencies=tuple(timed(network, smaller, few)) if is_timed else (),
    )


@torch.no_grad()
def difference(one: nn.Module, other: nn.Module, inputs: tuple[Tensor, ...]) -> float:
    """The largest difference of an output of two networks."""
    return float((one(*inputs) - other(*inputs)).abs().max())


def timed(network: nn.Module, smaller: Compact, inputs: tuple[Tensor, ...]) -> list[Latency]:
    """How long each form of the network takes, in turn."""
    networks = {"dense": network, "compact": smaller.network}
    sparse = with_csr(network)
    return measure(networks | ({"sparse": sparse} if sparse is not None else {}), inputs)
