"""The picture of a comparison, asked of the figure itself."""

from pathlib import Path

import matplotlib as mpl
import pytest

from paretoprune.analysis.comparison.compare import compare
from paretoprune.analysis.snapshot import load_study
from paretoprune.errors import CouldNotError
from paretoprune.report.plots.hypervolume_trace import cost, draw_cost
from paretoprune.report.plots.style import STYLE, WIDTH
from paretoprune.training.methods import label_of
from tests.support.comparisons import FLEETS, SEARCHED, SEEDS, smgd, study_with_seed
from tests.support.studies import COLLAPSED, legend_of, study_of


@pytest.fixture
def study():
    return study_of([*FLEETS, COLLAPSED, *SEEDS], courses=[None] * 9)


def figure_of(*snapshots, split="validation"):
    with mpl.rc_context(STYLE):
        figure = cost(compare(snapshots, split, label_of))
        figure.draw_without_rendering()
    return figure


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
    draw_cost(compare([load_study(Path("study"))]), Path("x.pdf"))
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
