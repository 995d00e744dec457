"""Printed output of `export`: the sizes and latencies of an exported network."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.table import Table

from paretoprune.report.terminal import out

if TYPE_CHECKING:
    from paretoprune.export import Latency
    from paretoprune.export.export import Exported

MEANING = (
    "A MAC is one multiplication and one addition, 2 FLOPs; effective FLOPs leave out zero "
    "weights. Zeros alone make no dense kernel faster: only what --compact removes does."
)

# Keys of the JSON document that differ from the names of the fields.
KEYS = {
    "max_difference": "apart",
    "file_max_difference": "file_apart",
    "compact_size": "left",
    "unremovable": "stuck",
}


def show_export(exported: "Exported", *, as_json: bool) -> None:
    """Print the result of an export as text or JSON."""
    if as_json:
        document = {KEYS.get(name, name): value for name, value in asdict(exported).items()}
        document["path"] = str(exported.path)
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return
    kind = "compact" if exported.is_compact else "as it was trained, zeros included"
    out.print(f"{exported.path}: run {exported.run_id}, {kind}", soft_wrap=True)
    out.print(f"inputs that it takes: {exported.inputs}", soft_wrap=True)
    for note in exported.notes:
        out.print(note, soft_wrap=True)
    samples = f"{exported.samples:,} validation samples"
    if exported.is_compact:
        out.print(
            "outputs differ from the study's network by at most "
            f"{exported.max_difference:.1g} on {samples}"
        )
    out.print(f"read back, the file's outputs differ by at most {exported.file_max_difference:.1g}")
    out.print(sizes_table(exported))
    for line in compaction_lines(exported):
        out.print(line, soft_wrap=True)
    out.print(f"file: {exported.file_bytes:,} bytes, {exported.gzip_bytes:,} compressed (gzip)")
    if exported.latencies:
        out.print(latency_table(exported.latencies))
    out.print(MEANING, soft_wrap=True)


def sizes_table(exported: "Exported") -> Table:
    """Return a table of the sizes: as stored, without zero weights, and after compaction."""
    stored, compact = exported.stored, exported.compact_size
    table = Table("", "stored", "nonzero", "compact", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    rows = {
        "parameters": (stored.parameters, stored.nonzeros, compact.parameters),
        "neurons and filters": (stored.neurons, None, compact.neurons),
        "FLOPs of one sample": (stored.dense_flops, stored.flops, compact.dense_flops),
    }
    for name, values in rows.items():
        table.add_row(name, *("" if value is None else f"{value:,}" for value in values))
    return table


def compaction_lines(exported: "Exported") -> list[str]:
    """Return lines on dead neurons and filters: how many are removed, and why others stay."""
    if exported.reason:
        return [f"nothing is removed: {exported.reason}"]
    removed, unremovable = sum(exported.removed.values()), sum(exported.unremovable.values())
    where = ", ".join(f"{count} of {name}" for name, count in exported.removed.items() if count)
    lines = [f"dead neurons and filters: {removed:,}{f' ({where})' if where else ''}"]
    if unremovable:
        lines.append(f"{unremovable} more stay, as their constant output cannot be moved exactly")
    return lines


def latency_table(latencies: "tuple[Latency, ...]") -> Table:
    """Return a table of latencies (median and quartiles) and of the speed relative to dense."""
    table = Table("latency", "batch", "median", "quartiles", "n", "speed", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    dense = {latency.batch: latency.median for latency in latencies if latency.network == "dense"}
    for latency in latencies:
        table.add_row(
            latency.network,
            str(latency.batch),
            f"{1000 * latency.median:.3g} ms",
            f"{1000 * latency.low:.3g} to {1000 * latency.high:.3g}",
            str(latency.n),
            f"{dense[latency.batch] / latency.median:.2f} x",
        )
    return table
