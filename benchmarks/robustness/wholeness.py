"""Is a study whole? What lies in it, and what is wrong with it, as sentences."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from safetensors.numpy import load_file

from paretoprune.analysis.snapshot import load_study
from paretoprune.errors import ParetopruneError
from paretoprune.report.documents import points_document
from paretoprune.study import storage

TIMES = ("seconds", "started_at")


def rows_of(folder: Path, without: Sequence[str] = TIMES) -> dict[str, str]:
    """The table's rows by run, each in all its digits."""
    if not storage.is_study(folder):
        return {}
    rows = storage.read(folder).drop(columns=list(without)).to_dict(orient="records")
    return {row["run_id"]: repr(row) for row in rows}


def files_of(folder: Path) -> dict[str, str]:
    """What lies in a study, by its path: times and the picture's content left out."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if name == storage.TABLE:
            found[name] = "\n".join(rows_of(folder).values())
        else:
            found[name] = "" if name == storage.PICTURE else path.read_bytes().hex()
    return found


def differences(folder: Path, expected: Mapping[str, str]) -> list[str]:
    """How the files of a study differ from those `expected`."""
    found = files_of(folder)
    names = sorted(found.keys() ^ expected.keys())
    faults = [f"{name} {'is left' if name in found else 'is missing'}" for name in names]
    both = sorted(found.keys() & expected.keys())
    return faults + [f"{name} differs" for name in both if found[name] != expected[name]]


def damages(folder: Path, before: Mapping[str, str], recorded: int) -> list[str]:
    """What of a study is broken or lost.

    `before` has rows that must be there still, without their weights, which a sweep may delete;
    `recorded` is the number of runs that were said to be safe.
    """
    if not storage.is_study(folder):
        return [f"{len(before)} rows are lost"] if before or recorded else []
    try:
        rows = rows_of(folder, without=["weights"])
        points_document(load_study(folder), everything=True)
        faults = weights_astray(folder)
    except ParetopruneError as error:
        return [f"the study cannot be read: {error}"]
    if list(before.items()) != list(rows.items())[: len(before)]:
        faults.append(f"rows are lost or altered: {list(before)}, then {list(rows)}")
    if recorded > len(rows):
        faults.append(f"{recorded} runs were said to be recorded, {len(rows)} are")
    return faults


def weights_astray(folder: Path) -> list[str]:
    """Weights that the table names and that do not load, or do not agree with it."""
    faults = []
    for row in storage.read(folder).dropna(subset="weights").itertuples():
        try:
            weights = load_file(folder / row.weights)
            count = sum(int((weights[layer["name"]] != 0).sum()) for layer in row.layers)
        except Exception as error:  # whatever a broken file may raise
            faults.append(f"{row.weights} does not load: {error}")
            continue
        if count != row.nonzeros:
            faults.append(f"{row.weights} has {count} nonzeros, the table says {row.nonzeros}")
    return faults
