"""Large studies: right answers from 10,000 rows, and a long sweep whose memory does not grow."""

import io
import json
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from benchmarks.robustness.load import (
    COMMANDS,
    FEW,
    MANY,
    MOST_GROWTH,
    RUNS,
    WARM,
    command_line,
    growth,
    seconds_of,
)
from benchmarks.robustness.load import large_study as build_study
from paretoprune.analysis.aggregate import choosable, over_seeds
from paretoprune.analysis.comparison.effort import ERROR_AXES, StudyEffort, trace_of, volume
from paretoprune.analysis.pareto import nondominated, pareto
from paretoprune.analysis.snapshot import StudySnapshot
from paretoprune.report.terminal.tables import points_table
from tests.support.checkout import ROOT
from tests.support.rounds import plan_of
from tests.support.tables import corner, table


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    folder = tmp_path_factory.mktemp("large") / "study"
    build_study(folder, MANY)
    return folder


@pytest.mark.slow
def test_all_runs_are_shown_the_front_is_the_best_of_them(paretoprune, large):
    points = pd.read_parquet(large / "points.parquet")
    lines = paretoprune("show", large, "--all").out.splitlines()
    assert len(points) == MANY
    assert sum("%" in line for line in lines) == MANY
    document = json.loads(paretoprune("show", large, "--json").out)
    places = points.loc[points["role"] == "search", ["val_loss", "nonzeros"]]
    places = places.sort_values(["val_loss", "nonzeros"])
    staircase = places[~places["nonzeros"].cummin().duplicated()]
    assert [row["val_loss"] for row in document["points"]] == staircase["val_loss"].tolist()
    assert len(paretoprune("show", large, "--all", "--csv").out.splitlines()) == 1 + MANY
    assert document["knee"] in points["run_id"].tolist()


@pytest.mark.parametrize("seed", range(4))
def test_of_many_rows_those_are_left_that_no_other_dominates(seed):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 12 if seed % 2 else 1000, size=(300, 2)).astype(float)
    no_worse = (values[:, None] <= values).all(axis=2)
    better = (values[:, None] < values).any(axis=2)
    expected = ~(no_worse & better).any(axis=0)
    assert sorted(nondominated(values)) == np.flatnonzero(expected).tolist()
    assert len(nondominated(values[:0])) == 0


@pytest.mark.slow
def test_a_narrow_terminal_cuts_lines_and_no_numbers():
    """A number that is cut looks like another one."""
    points = table([corner(0.1 * number, 0.123 + number, 10.0) for number in range(3)])
    console = Console(width=30, file=io.StringIO())
    console.print(points_table(points, None, "The front"))
    lines = console.file.getvalue().splitlines()[2:]
    assert [line.split()[1] for line in lines] == ["0.1230", "1.1230", "2.1230"]
    assert all(len(line) <= 30 for line in lines)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_course_has_the_hypervolume_of_what_was_there_after_each_fleet(split):
    """Later seeds change a mean, for better or worse; what failed or collapsed is no part."""
    rng = np.random.default_rng(0)
    rows = [
        corner(lam, 1.0, 10.0, share=float(rng.uniform(0.001, 1)), seed=seed, round=seed)
        | {"val_error": float(rng.uniform(0, 0.1)), "test_error": float(rng.uniform(0, 0.1))}
        | {"fleet_size": 2, "started_at": str(number // 2), "collapsed": number == 5}
        | ({"status": "failed"} if number in (3, 8) else {"seconds": 1.5})
        for number, (seed, lam) in enumerate(product(range(3), (0.0, 0.1, 0.2, 0.3)))
    ]
    points = table(rows)
    study = StudyEffort(
        "study", StudySnapshot(Path("study"), plan_of(), points, over_seeds(points)), split
    )
    stages = list(trace_of(study, points))
    assert len(stages) == 6
    for stage, end in zip(stages, range(2, 13, 2), strict=True):
        front = pareto(choosable(over_seeds(points.iloc[:end])), ERROR_AXES)
        assert stage.hypervolume == pytest.approx(volume(study.boxes(front)))
        assert stage.seconds == pytest.approx(points["seconds"][:end].sum())
    assert max(stage.hypervolume for stage in stages) > 0


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_ten_times_the_rows_take_no_more_than_ten_times_as_long(command, large, tmp_path):
    """That is generous: what is quadratic takes a hundred times as long."""
    few = tmp_path / "few"
    build_study(few, FEW)
    times = [seconds_of(["-m", "paretoprune", *command_line(command, one)]) for one in (few, large)]
    (less, _), (more, _) = times
    assert more < MANY / FEW * less


@pytest.mark.slow
def test_the_memory_of_a_long_sweep_does_not_grow(tmp_path):
    """In a process of its own, where no other test has left anything."""
    path = tmp_path / "memory.json"
    command = [sys.executable, "-m", "benchmarks.robustness.load", "--memory", "--json", str(path)]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    measured = {int(runs): size for runs, size in json.loads(path.read_text())["bytes"].items()}
    assert max(measured) == RUNS
    assert growth(measured) < MOST_GROWTH


def test_growth_counts_from_where_a_sweep_is_warm():
    assert growth({5: 1, WARM: 100, 100: 900, RUNS: 103}) == pytest.approx(0.03)
