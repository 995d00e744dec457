"""Studies that a stranger made: what is spoilt in them, and everything that reads them.

`pick` chooses one of a list, as Hypothesis, a fuzzer or a random generator does.
"""

import contextlib
import io
import math
import shutil
import tomllib
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pyarrow as pa
import pyarrow.parquet as pq
import tomli_w

from paretoprune.analysis.choice import Choice, find_constrained, find_knee
from paretoprune.analysis.comparison.compare import compare
from paretoprune.analysis.constraints import AT_LEAST, AT_MOST, Constraint
from paretoprune.analysis.knee import RULES
from paretoprune.analysis.snapshot import StudySnapshot, load_study
from paretoprune.errors import ParetopruneError
from paretoprune.problem.datasets.images import read_headers, read_squares
from paretoprune.report.plots import KINDS
from paretoprune.report.plots.style import STYLE
from paretoprune.report.terminal.knee import show_choice
from paretoprune.report.terminal.show import show_points
from paretoprune.runner.retention import weights_to_delete
from paretoprune.runner.rounds import next_round
from paretoprune.study import storage
from paretoprune.study.metric import SPLITS
from paretoprune.study.storage import SCHEMA
from tests.support.checkout import DATA

Pick = Callable[[Sequence[Any]], Any]

STUDY = DATA / "study-v1"
REALS = (math.nan, math.inf, -math.inf, -1.0, -0.0, 0.0, 5e-324, 1e-30, 0.5, 1.0, 2.0, 1e30, 1e308)
WHOLES = (-(2**63), -1, 0, 1, 2, 3, 10, 1000, 10**6, 2**31, 2**53, 2**63 - 1)
TEXTS = (
    *("", "x", "a" * 300, "../../up", "/etc/passwd", "0123456789ab", "done", "failed", "smgd"),
    *("comparison", "confirmation", "derived", "weighted-sum", "$", "$x^{$", "\\frac"),
    *("[red]x[/red]", "\x1b[2J", "\x9b31m", "a\nb", "\r", "\0", "\u202e", "λ", "😀", "%s{}", "nan"),
)
BOTH = (True, False)
LAYERS = (
    [],
    [None],
    [{"name": None, "shape": None, "nonzeros": None, "l1": None}],
    [{"name": "a", "shape": [], "nonzeros": 1, "l1": 0.0}],
    [{"name": "a", "shape": [0], "nonzeros": 0, "l1": 0.0}],
    [{"name": "a", "shape": [None, 3], "nonzeros": 0, "l1": 0.0}],
    [{"name": "a", "shape": [2**62, 4], "nonzeros": 0, "l1": 0.0}],
    [{"name": "a", "shape": [-2, -3], "nonzeros": 0, "l1": -1.0}],
    [{"name": "a", "shape": [2, 3], "nonzeros": 7, "l1": math.nan}],
    [{"name": "a", "shape": [2, 3], "nonzeros": 6, "l1": math.inf}] * 2,
    [{"name": "$x^{$", "shape": [2, 3], "nonzeros": 6, "l1": 1.0}],
    [{"name": "x^{_\\frac", "shape": [2, 3], "nonzeros": 6, "l1": 1.0}],
)


def values_for(kind: pa.DataType) -> Sequence[Any]:
    """Values of a column's type, and null."""
    of_kind = {pa.float64(): REALS, pa.int64(): WHOLES, pa.string(): TEXTS, pa.bool_(): BOTH}
    return (None, *of_kind.get(kind, LAYERS))


def spoil_rows(rows: list[dict[str, Any]], schema: pa.Schema, pick: Pick) -> list[dict[str, Any]]:
    """One value of one row, or of all rows, is another."""
    field = pick(list(schema))
    value, which = pick(values_for(field.type)), pick([*range(len(rows)), None])
    return [
        {**row, field.name: value} if which in (None, number) else row
        for number, row in enumerate(rows)
    ]


def spoil_document(document: dict[str, Any], pick: Pick) -> None:
    """One entry of a study's plan is another, or gone."""
    table = pick(["settings", "budget", "measured", None])
    entries = document if table is None else document.get(table)
    if not isinstance(entries, dict) or not entries:
        return
    name = pick(sorted(entries))
    value = pick([None, *REALS, *WHOLES, *TEXTS, True, [], {}, 10**4000])
    if value is None:
        del entries[name]
    else:
        entries[name] = value


def spoil_bytes(content: bytes, pick: Pick) -> bytes:
    """A byte is another, or the end or the middle is gone or there twice."""
    at, until = sorted((pick(range(len(content) + 1)), pick(range(len(content) + 1))))
    how = pick(["flip", "flip", "cut", "remove", "repeat", "set"])
    if how == "flip" and at < len(content):
        return content[:at] + bytes([content[at] ^ (1 << pick(range(8)))]) + content[at + 1 :]
    if how == "set":
        return content[:at] + bytes([pick([0, 1, 127, 128, 255])]) + content[at + 1 :]
    middle = {"cut": b"", "remove": content[until:], "repeat": content[at:] + content[at:until]}
    return content[:at] + middle.get(how, content[until:])


def table_of(folder: Path) -> pa.Table:
    return pq.read_table(folder / "points.parquet")


def write_rows(folder: Path, rows: Sequence[dict[str, Any]]) -> None:
    pq.write_table(pa.Table.from_pylist(list(rows), SCHEMA), folder / "points.parquet")


def spoil_plan(folder: Path, pick: Pick, times: int) -> None:
    document = tomllib.loads((STUDY / "study.toml").read_text())
    for _ in range(times):
        spoil_document(document, pick)
    (folder / "study.toml").write_text(tomli_w.dumps(document), errors="replace")


def choose(snapshot: StudySnapshot, choice: Choice) -> None:
    for as_json in (False, True):
        show_choice(snapshot, choice, None, as_json=as_json)


def draw(snapshot: StudySnapshot, kind: str, split: str) -> None:
    with mpl.rc_context(STYLE):
        KINDS[kind]([snapshot], split).savefig(io.BytesIO(), format="svg")


def questions() -> dict[str, Callable[[StudySnapshot], object]]:
    """All that is asked about a study, by name."""
    constraints = (
        *(Constraint(name, is_lower=True, bound=0.5) for name in AT_LEAST),
        *(Constraint(name, is_lower=False, bound=1.0) for name in AT_MOST),
    )
    shown = [(form, everything) for form in ("table", "json", "csv") for everything in BOTH]
    drawn = [(kind, split) for kind in KINDS for split in SPLITS]
    return {
        **{rule: partial(_ask_rule, rule) for rule in RULES},
        **{str(constraint): partial(_ask_wish, constraint) for constraint in constraints},
        **{f"show {form} {every}": partial(_show, form, every) for form, every in shown},
        **{f"plot {kind} {split}": partial(draw, kind=kind, split=split) for kind, split in drawn},
        "keep": lambda snapshot: weights_to_delete(snapshot.points, "front", 1, 1),
        "propose": lambda snapshot: next_round(snapshot.points, snapshot.plan),
        **{f"compare {split}": partial(_compare, split) for split in SPLITS},
    }


def _ask_rule(rule: str, snapshot: StudySnapshot) -> None:
    choose(snapshot, find_knee(snapshot, rule))


def _ask_wish(constraint: Constraint, snapshot: StudySnapshot) -> None:
    choose(snapshot, find_constrained(snapshot, constraint))


def _show(form: str, everything: bool, snapshot: StudySnapshot) -> None:
    show_points(snapshot, everything=everything, form=form)


def _compare(split: str, snapshot: StudySnapshot) -> None:
    compare([snapshot], split)


QUESTIONS = questions()
QUICK = [name for name in QUESTIONS if not name.startswith(("plot", "compare", "propose"))]


def assert_answered_or_refused(folder: Path, names: Iterable[str] = QUESTIONS) -> bool:
    """Questions are answered, or refused in one line; whether the study could be read at all.

    There is no other exception, and nothing is printed that is no text.
    """
    try:
        snapshot = load_study(folder)
    except ParetopruneError as error:
        assert_is_text(str(error))
        return False
    for name in names:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            try:
                QUESTIONS[name](snapshot)
            except ParetopruneError as error:
                assert_is_text(str(error))
        assert_is_text(*out.getvalue().split("\n"))
    return True


def assert_is_text(*lines: str) -> None:
    """Nothing in them is a command to a terminal."""
    for line in lines:
        assert line.isprintable(), line


def copy_study(folder: Path) -> None:
    """The study of `tests/data`, to be spoilt."""
    shutil.copytree(STUDY, folder)


def read_plan_of(folder: Path, content: bytes) -> None:
    """The file as `study.toml`: it is read and written again, and the study shown."""
    (folder / "study.toml").write_bytes(content)
    with contextlib.suppress(ParetopruneError):
        plan = storage.read_plan(folder)
        storage.write_plan(folder, plan)
        assert storage.read_plan(folder) == plan
    assert_answered_or_refused(folder, ["balance", "show table True"])


def read_table_of(folder: Path, content: bytes) -> None:
    """The file as `points.parquet`."""
    (folder / "points.parquet").write_bytes(content)
    assert_answered_or_refused(folder, ["balance", "show json True", "show table True"])


def read_history_of(folder: Path, content: bytes) -> None:
    """The file as the history of a run."""
    path = min((folder / "history").iterdir())
    path.write_bytes(content)
    with contextlib.suppress(ParetopruneError):
        storage.read_history(folder, path.stem)
        draw(load_study(folder), "history", "validation")


def read_image_of(folder: Path, content: bytes) -> None:
    """The file as an image: it is one, or it is not."""
    path = folder / "image.png"
    path.write_bytes(content)
    with contextlib.suppress(ParetopruneError):
        (header,) = read_headers([str(path)])
        if header is not None:
            images, _ = read_squares([str(path)], 8, 1 if header.grey else 3)
            assert images.shape[2:] == (8, 8)


FILES = {
    "plan": read_plan_of,
    "table": read_table_of,
    "history": read_history_of,
    "image": read_image_of,
}


def corpus(target: str) -> list[Path]:
    """Files to begin with, and those that broke a reader once."""
    return sorted((DATA / "corpus" / target).iterdir())
