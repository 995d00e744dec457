"""Numbers at the end of their range: defined results, or one clear sentence."""

import json
from pathlib import Path

import pytest

from paretoprune.analysis.knee import RULES
from paretoprune.analysis.snapshot import load_study
from paretoprune.runner.rounds import propose
from paretoprune.runner.sweep import sweep
from tests.support.studies import ROWS, network, study_of
from tests.support.sweeps import quiet, request, table

READERS = (
    ["show", "study"],
    ["show", "study", "--all"],
    ["show", "study", "--json"],
    ["show", "study", "--csv"],
    ["knee", "study"],
    ["knee", "study", "--json"],
)
PLOTS = ("front", "layers", "history")
PERFECT = [
    network(0.0, 0.0, 950, 50, val_error=0.0, train_loss=0.0),
    network(1e-5, 0.0, 400, 40, val_error=0.0, train_loss=0.0),
    network(1e-4, 1e-9, 60, 20, val_error=0.0, train_loss=1e-9),
]
TABLES = {
    "no error at all": PERFECT,
    "all weights zero": [network(0.1, 2.0, 0, 0, l1=0.0, complexity=0.0)],
    "zero among others": [*ROWS, network(0.1, 2.0, 0, 0, l1=0.0, complexity=0.0)],
    "one run": ROWS[:1],
    "lambda 0 only": [{**ROWS[0], "seed": seed} for seed in (0, 1)],
    "equal points": [{**row, "val_loss": 0.5, "complexity": 3.0, "nonzeros": 30} for row in ROWS],
    "equal lambdas": [{**row, "lam": 1e-4, "seed": seed} for seed, row in enumerate(ROWS)],
    "nothing but collapsed": [network(0.1, 2.3, 0, 0, collapsed=True)],
    "huge": [{**row, "val_loss": row["val_loss"] * 1e30, "l1": 1e30} for row in ROWS],
    "tiny": [{**row, "val_loss": row["val_loss"] * 1e-30} for row in ROWS],
}

QUICK = ["no error at all", "zero among others", "equal points", "nothing but collapsed"]
ALL = [
    *QUICK,
    *(pytest.param(kind, marks=pytest.mark.slow) for kind in TABLES if kind not in QUICK),
]


@pytest.mark.parametrize("kind", ALL)
def test_every_reader_has_an_answer(paretoprune, kind):
    study_of(TABLES[kind])
    for reader in READERS:
        answer = paretoprune(*reader)
        assert answer.code == 0, (reader, answer.err)
        if "--json" in reader:
            json.loads(answer.out, parse_constant=pytest.fail)  # no NaN, no Infinity


@pytest.mark.parametrize(
    "kind",
    [
        "all weights zero",
        *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("one run", "huge")),
    ],
)
def test_every_picture_can_be_drawn(paretoprune, kind):
    study_of(TABLES[kind])
    for plot in PLOTS:
        answer = paretoprune("plot", "study", "-o", f"{plot}.png", "--kind", plot)
        assert answer.code == 0, (plot, answer.err)
        assert Path(f"{plot}.png").stat().st_size > 1000


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", ALL)
def test_every_rule_has_an_answer(kind, rule, paretoprune):
    study_of(TABLES[kind])
    answer = paretoprune("knee", "study", "--rule", rule, "--json")
    assert answer.code == 0, answer.err
    found = json.loads(answer.out)
    assert found["reason"]
    if found["network"] is not None:
        assert found["network"]["run_id"] in set(load_study(Path("study")).points["run_id"])


@pytest.mark.parametrize("kind", TABLES)
def test_a_sweep_goes_on_from_any_table(kind):
    """The proposals: nothing that is known, nothing outside of [0, 1)."""
    snapshot = study_of(TABLES[kind])
    lams = propose(snapshot.points, snapshot.plan).lams
    known = set(snapshot.points["lam"])
    assert all(0 <= lam < 1 for lam in lams)
    assert not known & set(lams)
    assert len(set(lams)) == len(lams)


@pytest.mark.parametrize("asked", [["--max-runs=4", "--round=4", "--smgd=0"], ["--method=smgd"]])
def test_a_threshold_above_every_weight_leaves_networks_of_zeros(asked, paretoprune):
    options = ["--epochs=1", "--batch-size=500", "--fleet=2", "--threshold=100"]
    answer = paretoprune("sweep", "study", *options, *asked)
    assert answer.code == 0
    assert "Nothing learnt" in answer.out
    assert (table()["nonzeros"] == 0).all()
    assert table()["collapsed"].all()


def test_one_run_is_a_front_without_a_knee(paretoprune):
    sweep(request(max_runs=1), quiet)
    assert table()["lam"].tolist() == [0.0]
    assert "the front has 1 points" in paretoprune("knee", "study").out
