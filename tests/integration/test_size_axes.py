"""Sizes beside nonzeros: FLOPs, neurons and parameters as axes, wishes and print."""

import json

import pytest

from paretoprune.analysis.choice import find_knee
from paretoprune.report.plots.front import front
from tests.support.fronts import ERROR, FLOPS
from tests.support.studies import OLDER, ROWS, SIZED, network, study_of, texts_of
from tests.support.tables import OLD, SIZES


@pytest.fixture
def study():
    return study_of(SIZED)


def lams(points):
    return sorted(points["lam"])


def test_the_front_of_flops_is_another(paretoprune, study):
    assert lams(study.front_on(ERROR)) == [row["lam"] for row in ROWS]
    assert lams(study.front_on(FLOPS)) == [0.0, 1e-5, 1e-4]
    answer = paretoprune("knee", "study", "--rule=chord", "--axes=error,flops")
    assert answer.code == 0
    assert "on error and FLOPs, log axes" in answer.out
    assert "next denser: +1,600,000 FLOPs (+533%), loss -0.0020, accuracy +0.05" in answer.out
    assert "next sparser: -260,000 FLOPs (-87%), loss +0.0080, accuracy -0.20 points" in answer.out


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ("knee study --rule chord --axes error,flops", "FLOPs"),
        ("knee study --axes loss,parameters", "parameters"),
        ("knee study --rule one-se --axes error,neurons", "neurons"),
        ("knee study --at-most flops=1e6", "FLOPs"),
        ("knee study --at-most neurons=5", "neurons"),
        ("knee study --at-most parameters=50", "parameters"),
        ("plot study --axes error,flops", "FLOPs"),
    ],
)
def test_a_study_of_an_older_version_says_what_it_lacks(paretoprune, options, size):
    study_of(OLDER)
    answer = paretoprune(*options.split())
    assert (answer.code, answer.out) == (2, "")
    text = " ".join(answer.err.split())
    assert f"no run of study says its {size}, which older versions did not count" in text
    assert "runs of this version do" in text
    assert text.count(". ") == 0
    assert paretoprune("knee", "study").code == 0


def test_runs_of_an_older_version_have_no_place_on_new_axes(paretoprune):
    """A study that this version goes on with."""
    study_of([{**SIZED[0], **OLD}, {**SIZED[2], **OLD}, SIZED[1], SIZED[3]])
    answer = paretoprune("knee", "study", "--at-most=flops=1e9")
    assert answer.code == 0
    assert "left out: 2 networks of an older version, which did not count FLOPs" in answer.out
    document = json.loads(paretoprune("knee", "study", "--at-most=flops=1e9", "--json").out)
    assert document["network"]["lam"] == 1e-5
    assert "left out" not in paretoprune("knee", "study", "--at-most=nonzeros=1e9").out
    shown = paretoprune("show", "study").out
    sizes = shown[shown.index("Sizes") :].splitlines()
    assert [line.split()[4] for line in sizes[2:6]] == ["-", "15", "-", "6"]


@pytest.mark.parametrize("rows", [[], [{"lam": 0.1, "status": "failed", "failure": "no luck"}]])
def test_a_study_without_networks_lacks_nothing(rows):
    snapshot = study_of(rows)
    assert "no network yet" in find_knee(snapshot, "one-se", axes="error,flops").reason
    assert texts_of(front([snapshot], "validation", "error,flops"))


def test_show_tells_three_sizes_and_three_counts_of_flops_apart(paretoprune, study, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = paretoprune("show", "study").out.splitlines()
    at = lines.index(next(line for line in lines if line.startswith("Sizes")))
    heads, *rows = lines[at + 1 : at + 7]
    assert heads.split() == [
        *("λ", "parameters", "nonzeros", "compact", "par.", "neurons"),
        *("dense", "FLOPs", "effective", "compact"),
    ]
    assert " ".join(rows[0].split()) == "0 1,100 1,000 1,100 20 2.1 M 1.9 M 3.8 M"
    assert " ".join(rows[2].split()) == "0.0001 1,100 80 90 4 2.1 M 40 k 80 k"
    assert "`paretoprune export study --compact` removes what is dead." in lines[at + 7]
    assert max(map(len, lines[: at + 7])) <= 80
    assert "Sizes" not in paretoprune("show", "study", "--all").out


def test_show_of_an_older_version_says_nothing_of_sizes(paretoprune):
    study_of(OLDER)
    assert "Sizes" not in paretoprune("show", "study").out
    assert "sizes" not in paretoprune("knee", "study").out


def test_a_choice_says_its_sizes(paretoprune, study):
    assert (
        "sizes: 1,100 parameters, 90 when compact, with 4 neurons and filters; FLOPs of a sample: "
        "2.1 M dense, 40 k effective, 80 k compact"
    ) in paretoprune("knee", "study").out


def test_programs_read_every_size(paretoprune, study):
    for everything in ([], ["--all"]):
        document = json.loads(paretoprune("show", "study", "--json", *everything).out)
        assert document["points"][0]["flops"] == 1_900_000
        assert set(SIZES) <= document["points"][0].keys()
        assert set(SIZES) <= set(paretoprune("show", "study", "--csv", *everything).out.split(","))
    study_of([network(0.1, 0.3, 9, 9, **OLD)], "old")
    (old,) = json.loads(paretoprune("show", "old", "--json").out)["points"]
    assert {old[name] for name in SIZES} == {None}
