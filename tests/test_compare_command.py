"""`paretoprune compare`, as a user meets it, and its picture."""

import json
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import pytest

from paretoprune.analysis.comparison.compare import compare
from paretoprune.analysis.snapshot import read_study
from paretoprune.errors import CouldNotError
from paretoprune.report.documents import compare_document
from paretoprune.report.plots.hypervolume_trace import cost, draw_cost
from paretoprune.report.plots.style import STYLE, WIDTH
from paretoprune.report.terminal.compare import smgd_lines
from paretoprune.study import storage as store
from tests.studies import COLLAPSED, PLAN, legend_of, study_of
from tests.test_compare import SEARCHED, SEEDS, reading_of, smgd

FLEETS = [{**row, "fleet_size": 2, "seed": 0} for row in SEARCHED]
DIVERGED = {**SEEDS[0], "seed": 9, "status": "diverged", "failure": "the loss is not finite"}

LARGE = {"prunable_weights": 2050, "layers": []}


@pytest.fixture
def study():
    return study_of([*FLEETS, COLLAPSED, *SEEDS], courses=[None] * 9)


def study_with_seed(seed, folder, rows=FLEETS):
    """A second study, which differs in its seed only."""
    reading = study_of(rows, folder, courses=[None] * len(rows))
    store.write_plan(reading.folder, replace(PLAN, settings=replace(PLAN.settings, seed=seed)))
    return read_study(reading.folder)


def figure_of(*readings, split="validation"):
    with mpl.rc_context(STYLE):
        figure = cost(compare(readings, split))
        figure.draw_without_rendering()
    return figure


def words_of(output):
    return " ".join(output.split())


def test_a_study_is_compared_with_its_smgd_runs(paretoprune, study):
    answer = paretoprune("compare", study.folder)
    text = words_of(answer.out)
    assert answer.code == 0
    assert "Fronts (chosen on validation data)" in text
    assert "SMGD: mean and standard deviation over seeds (validation data)" in text
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
    assert document == compare_document(compare([study]), Path("x.svg"))
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
    reading = reading_of([*FLEETS, smgd(0.05, 200, 0, complexity=0.1)])
    (line,) = smgd_lines(compare([reading]))
    assert line.endswith(
        "98.75 % at 200 nonzeros; the front dominates 0 of 1 seed in loss and l1, 1 in accuracy "
        "and nonzeros"
    )
    (dead,) = smgd_lines(compare([reading_of([*FLEETS, smgd(2.3, 0, 0, collapsed=True)])]))
    assert dead.endswith("no run of 1 learnt anything")


def test_a_line_has_the_hypervolume_of_each_fleet(study):
    comparison = compare([study])
    (front,) = comparison.fronts
    figure = figure_of(study)
    for axes, quantity in zip(figure.axes, ("epochs", "seconds"), strict=True):
        line = axes.lines[0]
        assert line.get_drawstyle() == "steps-post"
        assert line.get_xdata().tolist() == [getattr(step, quantity) for step in front.course]
        assert line.get_ydata().tolist() == [step.hypervolume for step in front.course]
        assert axes.get_xscale() == "log"


def test_a_mark_is_the_mean_of_one_run_with_its_spread(study):
    (variant,) = compare([study]).variants
    for axes, at in zip(figure_of(study).axes, (3, 5.0), strict=True):
        (mark,) = axes.containers
        assert mark[0].get_xdata() == [at]
        assert mark[0].get_ydata() == [variant.hypervolume.mean]
        (bar,) = mark[2][0].get_segments()
        assert bar[1, 1] - bar[0, 1] == pytest.approx(2 * variant.hypervolume.sd)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_the_split_is_on_the_axis(study, split):
    assert figure_of(study, split=split).axes[0].get_ylabel() == f"hypervolume ({split})"


def test_the_legend_names_studies_and_variants(study):
    other = study_with_seed(1, "o$her", [*FLEETS, smgd(0.05, 200, 0, moments="separate")])
    figure = figure_of(study, other)
    assert list(legend_of(figure)) == [
        "study",
        r"o\$her",
        "SMGD adam, joint moments, 3 epochs (study)",
        r"SMGD adam, separate moments, 3 epochs (o\$her)",
    ]
    first, second = figure.axes[0].lines[:2]
    assert first.get_color() != second.get_color()
    assert figure.get_figwidth() == WIDTH


@pytest.mark.parametrize("rows", [FLEETS[:1], SEARCHED, [{**FLEETS[0], "seconds": 0.0}]])
def test_little_can_be_drawn_too(rows):
    figure_of(study_of([*rows, smgd(2.3, 0, 0, collapsed=True)]))
    draw_cost(compare([read_study(Path("study"))]), Path("x.pdf"))
    assert Path("x.pdf").read_bytes().startswith(b"%PDF")


def test_a_full_disk_leaves_the_old_picture(study, monkeypatch):
    def broken(*_):
        raise OSError(28, "No space left on device")

    Path("x.png").write_bytes(b"old")
    monkeypatch.setattr("pathlib.Path.replace", broken)
    with pytest.raises(CouldNotError, match="make room"):
        draw_cost(compare([study]), Path("x.png"))
    assert Path("x.png").read_bytes() == b"old"
    assert not list(Path().rglob("*.partial"))
