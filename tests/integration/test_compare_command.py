"""`paretoprune compare`, as a user meets it."""

import json
from pathlib import Path

import pytest

from paretoprune.analysis.comparison.compare import compare
from paretoprune.report.documents import compare_document
from paretoprune.report.terminal.compare import sentences
from paretoprune.training.methods import label_of
from tests.support.comparisons import FLEETS, SEARCHED, SEEDS, smgd, snapshot_of, study_with_seed
from tests.support.studies import COLLAPSED, study_of

DIVERGED = {**SEEDS[0], "seed": 9, "status": "diverged", "failure": "the loss is not finite"}

LARGE = {"prunable_weights": 2050, "layers": []}


@pytest.fixture
def study():
    return study_of([*FLEETS, COLLAPSED, *SEEDS], courses=[None] * 9)


def words_of(output):
    return " ".join(output.split())


def test_a_study_is_compared_with_its_smgd_runs(paretoprune, study):
    answer = paretoprune("compare", study.folder)
    text = words_of(answer.out)
    assert answer.code == 0
    assert "Fronts (chosen on validation data)" in text
    assert "Other methods: mean and standard deviation over seeds (validation data)" in text
    assert (
        "loss and l1: dominated (3 of 3 seeds): at its l1 the front has 0.0400 ± 0.0200 less loss; "
        "at its loss the front has 22.0 ± 10.0 less l1 (71%)"
    ) in text
    assert (
        "accuracy and nonzeros: dominated (3 of 3 seeds): at its size the front has 1.00 ± 0.50 "
        "points more accuracy; at its accuracy the front has 220 ± 100 fewer nonzeros (71%)"
    ) in text
    assert (
        "cost: 3 epochs and 5 s for one run (its share of a fleet of 1); the front took 18 epochs "
        "(6 times as many) and 10 s "
        "(2 times as long)"
    ) in text
    assert "Picture: study/compare.png" in text
    assert Path("study/compare.png").is_file()


def test_every_line_fits_a_terminal(paretoprune, study, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    out = paretoprune("compare", study.folder).out
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (smgd(0.01, 2000, 0, **LARGE), "no network of the front is so good"),
        (smgd(0.01, 1, 0), "no network of the front is so small; no network of the front is so"),
        (smgd(0.025, 200, 0), "not dominated (0 of 1 seed): at its l1 the front has 0.0050 more"),
        (smgd(0.025, 200, 0), "at its loss the front has 24.0 more l1 (120%)"),
    ],
)
def test_what_is_not_dominated_is_said_so(paretoprune, row, sentence):
    study_of([*SEARCHED, row])
    assert sentence in words_of(paretoprune("compare", "study").out)


def test_some_seeds_are_dominated(paretoprune):
    study_of([*SEARCHED, SEEDS[0], smgd(0.01, 300, 1)])
    text = words_of(paretoprune("compare", "study").out)
    assert "loss and l1: partly dominated (1 of 2 seeds): at its l1" in text
    assert "12.0 less l1 (60%) (1 of 2 seeds; nothing so good for the others)" in text


def test_collapsed_and_failed_runs_are_said(paretoprune):
    dead = smgd(2.3, 0, 7, collapsed=True, moments="separate")
    study_of([*SEARCHED, *SEEDS, DIVERGED, dead], courses=[None] * 10)
    text = words_of(paretoprune("compare", "study").out)
    assert "1 SMGD adam, joint moments, 3 epochs 1 of 4 runs failed" in text
    assert "2 SMGD adam, separate moments, 3 epochs 1 of 1 run collapsed" in text
    assert "nan" not in text


def test_several_studies_are_compared(paretoprune, study):
    study_with_seed(1, "other", FLEETS[1:])
    answer = paretoprune("compare", "study", "other", "--split", "test")
    text = words_of(answer.out)
    assert "Fronts (chosen on validation data, measured on test data)" in text
    assert "study and other, which differ in their seed only: hypervolume" in text
    assert "15 ± 4 epochs" in text
    assert "study other 4 of 5 4 of 5" in text
    assert "other study 4 of 4 4 of 4" in text
    assert "against the front of study:" in text
    assert "small differences may come from these" in text
    assert Path("compare.png").is_file()


def test_a_name_in_brackets_is_printed_as_it_is(paretoprune, study):
    study_with_seed(1, "[red]other")
    text = words_of(paretoprune("compare", "study", "[red]other").out)
    assert "study and [red]other, which differ" in text
    assert "study [red]other 5 of 5" in text


def test_json_is_the_only_output(paretoprune, study):
    answer = paretoprune("compare", "study", "--json", "-o", "x.svg")
    document = json.loads(answer.out)
    assert answer.err == ""
    assert document == compare_document(compare([study], label_of=label_of), Path("x.svg"))
    assert (document["split"], document["chosen_on"]) == ("validation", "validation")
    assert document["picture"] == "x.svg"
    (front,), (variant,) = document["fronts"], document["variants"]
    assert front["epochs"] == 18
    assert [step["epochs"] for step in front["course"]] == [6, 12, 15, 18]
    assert variant["measures"]["val_loss"]["n"] == 3
    (against,) = variant["against"]
    assert against["distances"][0]["axes"] == ["val_loss", "complexity"]
    assert against["distances"][0]["dominated"] == 3
    assert len(against["distances"][0]["each"]) == 3
    assert Path("x.svg").read_bytes().startswith(b"<?xml")


def test_what_is_not_known_is_null(paretoprune):
    study_of([*SEARCHED, smgd(0.01, 2000, 0, **LARGE, seconds=float("nan"))])
    out = paretoprune("compare", "study", "--json").out
    assert "NaN" not in out
    (against,) = json.loads(out)["variants"][0]["against"]
    assert against["distances"][0]["size"] == {"mean": None, "sd": None, "n": 0}
    assert against["seconds_ratio"] is None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["lonely"], "`paretoprune sweep lonely --smgd 3` trains them"),
        (["study", "study"], "study is given twice"),
        (["study", "nothing"], "nothing does not exist"),
        (["study", "-o", "x.gif"], "the ending must be one of"),
        (["study", "-o", "no/x.png"], "there is no folder no"),
        (["study", "--split", "train"], "--split train is unknown"),
    ],
)
def test_wrong_use_is_one_sentence(paretoprune, study, arguments, sentence):
    study_of(SEARCHED, "lonely")
    answer = paretoprune("compare", *arguments)
    assert answer.code == 2
    assert sentence in answer.err
    assert answer.out == ""
    assert not list(Path().rglob("compare.png"))


def test_where_no_picture_can_be_written_there_is_an_answer(paretoprune, study):
    Path("study/compare.png").mkdir()
    answer = paretoprune("compare", "study", "--json")
    assert answer.code == 1
    assert json.loads(answer.out)["studies"] == ["study"]
    assert "compare.png" in answer.err


def test_a_sweep_ends_with_a_verdict_on_both_pairs_of_axes():
    snapshot = snapshot_of([*FLEETS, smgd(0.05, 200, 0, complexity=0.1)])
    (line,) = sentences(compare([snapshot]))
    assert line.endswith(
        "98.75 % at 200 nonzeros; the front dominates 0 of 1 seed in loss and l1, 1 in accuracy "
        "and nonzeros"
    )
    (dead,) = sentences(compare([snapshot_of([*FLEETS, smgd(2.3, 0, 0, collapsed=True)])]))
    assert dead.endswith("no run of 1 learnt anything")
