"""Kinds of pictures: the contract of all of them."""

import re
from pathlib import Path

import matplotlib as mpl
import pytest
import typer

from paretoprune.cli import app
from paretoprune.errors import CouldNotError, UsageError
from paretoprune.report.plots import DEFAULT_KIND, KINDS, draw_studies
from paretoprune.report.plots.style import STYLE, WIDTH
from tests.support.studies import COLLAPSED, FAILED, ROWS, study_of, texts_of


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_every_kind_draws_every_format(kind, ending):
    magic = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[ending]
    path = Path(f"picture.{ending}")
    draw_studies([study_of([*ROWS, COLLAPSED, FAILED])], path, kind=kind)
    assert path.read_bytes().startswith(magic)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [[], [FAILED], [COLLAPSED], ROWS[:1], ROWS[2:3], ROWS[4:]])
def test_every_kind_draws_studies_of_nothing_or_one_point(kind, rows):
    with mpl.rc_context():
        figure = KINDS[kind]([study_of(rows)], "validation")
        figure.draw_without_rendering()
    assert figure.get_figwidth() == WIDTH
    lives = any(row.get("status") != "failed" for row in rows)
    if not lives or (rows == [COLLAPSED] and kind != "history"):
        assert re.match("no (network|run)", texts_of(figure)[0])
        assert not figure.axes
    else:
        assert len(figure.axes) >= 2


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_leaves_the_global_state_alone(kind):
    import matplotlib.pyplot as plt

    before = dict(mpl.rcParams)
    draw_studies([study_of(ROWS)], Path("picture.png"), kind=kind)
    assert dict(mpl.rcParams) == before
    assert not plt.get_fignums()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_leaves_no_partial_file(kind, monkeypatch):
    snapshot = study_of(ROWS)

    def broken(*_):
        raise OSError(28, "No space left on device")

    Path("picture.png").write_bytes(b"old")
    monkeypatch.setattr("pathlib.Path.replace", broken)
    with pytest.raises(CouldNotError, match="make room"):
        draw_studies([snapshot], Path("picture.png"), kind=kind)
    assert not list(Path().rglob("*.partial"))
    assert Path("picture.png").read_bytes() == b"old"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.slow
def test_every_kind_is_drawn_the_same_twice(kind):
    snapshot = study_of([*ROWS, COLLAPSED, FAILED])
    for name in ("a.png", "b.png"):
        draw_studies([snapshot], Path(name), kind=kind)
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_stays_within_its_page(kind):
    """No text is cut off at the edges, also with many layers of long names."""
    rows = [
        {
            **row,
            "layers": [
                {
                    "name": f"features.{i}.weight",
                    "shape": [512, 256, 3, 3],
                    "nonzeros": n,
                    "l1": 1.0,
                }
                for i in range(12)
                for n in [row["nonzeros"] // (i + 1)]
            ],
        }
        for row in ROWS
    ]
    with mpl.rc_context(STYLE):
        figure = KINDS[kind]([study_of([*rows, COLLAPSED, FAILED])], "validation")
        figure.draw_without_rendering()
    box = figure.get_tightbbox()  # in inches
    assert min(box.x0, box.y0) >= 0
    assert box.x1 <= figure.get_figwidth()
    assert box.y1 <= figure.get_figheight()


def test_help_names_every_kind_and_the_default():
    command = typer.main.get_command(app).commands["plot"]
    (option,) = [p for p in command.params if "--kind" in p.opts]
    assert set(KINDS) <= set(re.findall(r"[\w-]+", option.help))
    assert option.default == DEFAULT_KIND
    assert f"(default: {DEFAULT_KIND})" in option.help


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_called_like_its_kind(paretoprune, kind):
    study_of(ROWS)
    answer = paretoprune("plot", "study", "--kind", kind)
    assert (answer.code, answer.out.strip()) == (0, str(Path("study") / f"{kind}.png"))
    assert (Path("study") / f"{kind}.png").exists()


def test_the_front_is_the_default_and_knows_several_studies(paretoprune):
    study_of(ROWS)
    assert paretoprune("plot", "study").out.strip() == str(Path("study/front.png"))
    assert paretoprune("plot", "study", "study").out.strip() == "fronts.png"
    assert Path("fronts.png").exists()


@pytest.mark.parametrize("kind", ["layers", "history"])
def test_what_a_kind_cannot_draw_is_refused(paretoprune, kind):
    study_of(ROWS)
    for words, sentence in {
        ("study", "study"): f"--kind {kind} draws one study, not 2: name one study",
        ("study", "--split", "test"): f"leave out --split test, or take --kind {DEFAULT_KIND}",
    }.items():
        answer = paretoprune("plot", "--kind", kind, *words)
        assert (answer.code, answer.out) == (2, "")
        assert sentence in answer.err
    assert not list(Path().rglob("*.png"))


def test_an_unknown_kind_gets_the_nearest(paretoprune):
    study_of(ROWS)
    answer = paretoprune("plot", "study", "--kind", "layer")
    assert (answer.code, "--kind layer is unknown: did you mean layers?" in answer.err) == (2, True)


def test_a_mistake_in_the_kind_comes_before_the_drawing():
    with pytest.raises(UsageError, match="--kind"):
        draw_studies([], Path("picture.png"), kind="histories")
