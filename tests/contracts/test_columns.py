"""Columns: one declaration and its computation reach every place that knows columns."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from paretoprune.study.column import ALWAYS
from paretoprune.study.columns import COLUMNS
from paretoprune.study.row import assemble
from tests.support.checkout import ROOT

OLD = ROOT / "tests" / "data" / "study-v1"

# A column, as somebody adds it, and its computation. Then the command line, or a piece of code.
ADDED = """
import sys
from paretoprune.study.column import Column
from paretoprune.study.columns import COLUMNS

COLUMNS["widest"] = Column(
    "widest", "whole", "the largest number of nonzeros of a layer", older=None, checked="given",
    least=0, most=10**6, is_mean=True, axis="widest", label="weights of the widest layer",
    bound="widest=500",
)

from dataclasses import replace
from paretoprune.training import outcome

measured = outcome.point_of

def point_of(*arguments):
    point = measured(*arguments)
    widest = max(layer["nonzeros"] for layer in point.values["layers"])
    return replace(point, values={**point.values, "widest": widest})

outcome.point_of = point_of
from paretoprune.__main__ import main
"""


def with_the_column(code, *arguments):
    ended = subprocess.run(
        [sys.executable, "-c", ADDED + code, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended


def commands(*several):
    """The output of several commands, which one process runs one after the other."""
    code = f"""
import contextlib, io, json
answers = []
for command in {[list(map(str, command)) for command in several]!r}:
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
        main(command)
    answers.append(out.getvalue())
print(json.dumps(answers))
"""
    return json.loads(with_the_column(code).stdout.splitlines()[-1])


@pytest.mark.slow
def test_a_new_column_reaches_table_choices_pictures_and_documentation():
    _, csv, shown, knee, bounded, picture, help_ = commands(
        ["sweep", "study", "--epochs=3", "--max-runs=6", "--round=6", "--smgd=0", "--lr=0.02"],
        ["show", "study", "--csv"],
        ["show", "study", "--json"],
        ["knee", "study", "--rule=chord", "--axes=error,widest", "--json"],
        ["knee", "study", "--at-most", "widest=30000", "--json"],
        ["plot", "study", "--axes", "error,widest", "-o", "widest.svg"],
        ["knee", "--help"],
    )
    table = pd.read_parquet("study/points.parquet")
    largest = table["layers"].map(lambda layers: max(layer["nonzeros"] for layer in layers))
    assert table["widest"].tolist() == largest.tolist()
    heads = csv.splitlines()[0].split(",")
    assert heads.index("widest") < heads.index("widest_sd")  # of the front: a mean over seeds
    assert all(point["widest_sd"] == 0 for point in json.loads(shown)["points"])
    assert json.loads(knee)["axes"] == ["val_error", "widest"]
    assert json.loads(bounded)["network"]["widest"] <= 30_000
    assert picture == "widest.svg\n"
    assert "weights of the widest layer" in Path("widest.svg").read_text()
    assert "widest=500" in " ".join(help_.split())
    assert "| widest" in " ".join(help_.split())


def test_a_new_column_is_explained_and_its_values_are_checked():
    shutil.copytree(OLD, "spoilt")
    table = pd.read_parquet("spoilt/points.parquet").assign(widest=10**6 + 1)
    table.to_parquet("spoilt/points.parquet")
    code = """
from contextlib import suppress
from pathlib import Path
from paretoprune.analysis.snapshot import load_study
from tests.support.table_reference import with_columns

old = load_study(Path(sys.argv[1]))
assert "| `widest` | whole | the largest number of nonzeros of a layer |" in with_columns("")
assert old.points["widest"].isna().all() and len(old.front)
with suppress(SystemExit):
    main(["knee", sys.argv[1], "--rule", "chord", "--axes", "error,widest"])
main(["show", "spoilt"])
"""
    ended = with_the_column(code, OLD)
    said = " ".join(ended.stderr.split())
    assert "says its widest, which older versions did not count" in said
    assert "has an impossible widest" in said
    assert ended.returncode == 4


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_each_declaration_says_what_it_must(column):
    assert column.name.isidentifier()
    assert column.meaning
    assert (column.least > float("-inf")) <= (column.checked != "never")  # bounds are checked
    assert column.older != ALWAYS or column.name in pq.read_schema(OLD / "points.parquet").names
    if column.axis or column.bound:
        assert column.is_mean
        assert column.label or column.is_quality or column.name in ("complexity", "l1")
        assert column.kind in ("real", "whole")
    assert COLUMNS.get(column.dense)


def test_a_row_has_every_column_in_order_and_each_value_once():
    assert list(assemble(COLUMNS, {})) == list(COLUMNS)
    with pytest.raises(ValueError, match="lam, twice or without a column"):
        assemble(COLUMNS, {"lam": 0.1}, {"lam": 0.1})
    with pytest.raises(ValueError, match="lambda, twice or without a column"):
        assemble(COLUMNS, {"lambda": 0.1})
