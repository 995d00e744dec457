"""The picture of the epochs, asked of the figure itself."""

import re
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import same_color, to_rgba

from paretoprune.errors import CorruptStudyError
from paretoprune.report.plots.history import history
from paretoprune.report.plots.style import COLOURS, GREY
from paretoprune.study import storage
from tests.support.studies import (
    COLLAPSED,
    FAILED,
    ROWS,
    course,
    legend_of,
    network,
    run_lines,
    study_of,
    texts_of,
)


def test_each_run_has_a_line_in_each_panel():
    figure = history([study_of(ROWS)], "validation")
    loss, accuracy, nonzeros = figure.axes[:3]
    assert [len(axes.lines) for axes in (loss, accuracy, nonzeros)] == [len(ROWS)] * 3
    assert loss.lines[0].get_xdata().tolist() == [1, 2, 3]
    assert loss.lines[0].get_ydata() == pytest.approx([0.06, 0.04, 0.02])
    assert accuracy.lines[0].get_ydata() == pytest.approx([0.015, 0.01, 0.005])
    assert nonzeros.lines[0].get_ydata() == pytest.approx([3000, 2000, 1000])
    assert {axes.get_yscale() for axes in figure.axes[:3]} == {"log"}
    assert accuracy.yaxis_inverted()
    figure.draw_without_rendering()
    assert all("%" in label.get_text() for label in accuracy.get_yticklabels())
    assert not figure.legends


def test_epochs_are_whole_numbers():
    figure = history([study_of(ROWS)], "validation")
    figure.draw_without_rendering()
    ticks = figure.axes[0].get_xticks()
    assert ticks.tolist() == np.round(ticks).tolist()


def test_lines_have_the_colours_of_lam():
    figure = history([study_of(ROWS)], "validation")
    colours = [line.get_color() for line in figure.axes[0].lines]
    darkest, brightest = mpl.colormaps[COLOURS](0.0), mpl.colormaps[COLOURS](1.0)
    assert same_color(colours[0], darkest)  # λ = 0
    assert same_color(colours[1], darkest)  # the least positive λ
    assert same_color(colours[-1], brightest)
    assert figure.axes[3].get_ylabel() == "λ (darkest: also λ = 0)"
    assert figure.axes[3].get_ylim() == pytest.approx((1e-5, 5e-3))


def test_each_seed_has_a_line_of_the_same_colour():
    figure = history([study_of([*ROWS, {**ROWS[2], "seed": 1, "val_loss": 0.5}])], "validation")
    assert len(figure.axes[0].lines) == len(ROWS) + 1
    colours = [to_rgba(line.get_color()) for line in figure.axes[0].lines]
    assert colours.count(mpl.colormaps[COLOURS](figure_norm(1e-4))) == 2


def figure_norm(lam):
    """Where λ stands between the least and the largest of `ROWS`."""
    return np.log(lam / 1e-5) / np.log(5e-3 / 1e-5)


@pytest.mark.parametrize(
    ("row", "word"),
    [
        (COLLAPSED, "collapsed"),
        ({**network(0.5, 1.7, 3, 3), "status": "diverged", "failure": "x"}, "diverged"),
    ],
)
def test_runs_that_cannot_be_chosen_are_grey(row, word):
    figure = history([study_of([*ROWS, row])], "validation")
    for (line,) in run_lines(figure, row):
        assert same_color(line.get_color(), GREY)
    assert list(legend_of(figure)) == [word]
    assert figure.axes[3].get_ylim()[1] == pytest.approx(5e-3), "its λ is no part of the scale"


def test_a_loss_that_is_not_finite_ends_the_line():
    row = {**network(0.5, 1.7, 3, 3), "status": "diverged", "failure": "x"}
    broken = course(row, val_loss=[1.0, np.inf, np.nan])
    courses = [*(course(other) for other in ROWS), broken]
    figure = history([study_of([*ROWS, row], courses=courses)], "validation")
    figure.draw_without_rendering()
    (grey,) = [line for line in figure.axes[0].lines if same_color(line.get_color(), GREY)]
    assert np.isfinite(grey.get_ydata()).tolist() == [True, False, False]
    assert figure.axes[0].get_ylim()[1] < 10


def test_failed_runs_are_left_out_with_a_note():
    figure = history([study_of([*ROWS, FAILED])], "validation")
    assert len(figure.axes[0].lines) == len(ROWS)
    assert figure.axes[0].get_title("left") == "without a history: 1 failed"


def test_a_missing_history_is_left_out_with_a_note():
    snapshot = study_of([*ROWS, FAILED])
    run_id = snapshot.points["run_id"][1]
    (snapshot.folder / "history" / f"{run_id}.parquet").unlink()
    figure = history([snapshot], "validation")
    assert len(figure.axes[0].lines) == len(ROWS) - 1
    note = figure.axes[0].get_title("left")
    assert sorted(re.findall(r"\d \w+", note)) == ["1 done", "1 failed"]


def test_without_any_history_the_picture_says_so():
    figure = history([study_of([FAILED], courses=[None])], "validation")
    assert texts_of(figure) == ["no run has a history\nwithout a history: 1 failed"]


@pytest.mark.parametrize("damage", ["no parquet", "a column is missing", "words"])
def test_a_history_that_cannot_be_read_is_corrupt(paretoprune, damage):
    changes = {"words": {"val_loss": ["a", "b", "c"]}}.get(damage, {})
    own = course(ROWS[0], **changes)
    if damage == "a column is missing":
        del own["val_error"]
    snapshot = study_of(ROWS[:1], courses=[own])
    path = snapshot.folder / "history" / f"{snapshot.points['run_id'][0]}.parquet"
    if damage == "no parquet":
        path.write_bytes(b"no table")
    with pytest.raises(CorruptStudyError, match=rf"{path.name} cannot be read \(.*move it away"):
        storage.read_history(snapshot.folder, path.stem)
    answer = paretoprune("plot", "study", "--kind", "history")
    assert (answer.code, "Traceback" in answer.err) == (4, False)
    assert not list(Path().rglob("*.png"))


def test_a_history_is_read_as_it_was_recorded():
    snapshot = study_of(ROWS[:1])
    own = storage.read_history(snapshot.folder, snapshot.points["run_id"][0])
    assert own.columns.tolist()[: len(storage.HISTORY)] == storage.HISTORY.names
    assert storage.HISTORY.names == list(course(ROWS[0]))
    assert own["val_loss"].tolist() == pytest.approx([0.06, 0.04, 0.02])
    assert storage.read_history(snapshot.folder, "no-such-run") is None


def test_a_confirmation_is_dashed_and_named():
    confirmed = {**ROWS[2], "role": "confirmation", "epochs": 9, "val_loss": 0.025}
    shorter = {**ROWS[3], "epochs": 2, "val_loss": 0.25}
    figure = history([study_of([*ROWS, confirmed, shorter])], "validation")
    words = legend_of(figure)
    assert list(words) == ["the study's runs", "confirmation, 9 epochs", "2 epochs"]
    styles = [handle.get_linestyle() for handle in words.values()]
    assert len(set(styles)) == 3
    for row, style in zip((ROWS[2], confirmed, shorter), styles, strict=True):
        assert [line.get_linestyle() for (line,) in run_lines(figure, row)] == [style] * 3
    (line,) = run_lines(figure, confirmed)[0]
    (own,) = run_lines(figure, ROWS[2])[0]
    assert same_color(line.get_color(), own.get_color())


def test_another_role_is_named_also_at_the_same_length():
    compared = {**ROWS[2], "role": "confirmation", "seed": 1, "val_loss": 0.7}
    figure = history([study_of([*ROWS, compared])], "validation")
    assert list(legend_of(figure)) == ["the study's runs", "confirmation, 3 epochs"]


def test_a_run_of_one_epoch_is_a_visible_point():
    row = {**ROWS[2], "epochs": 1}
    figure = history([study_of([row])], "validation")
    assert [axes.lines[0].get_marker() for axes in figure.axes[:3]] == ["o"] * 3
    longer = history([study_of(ROWS, "other")], "validation")
    assert longer.axes[0].lines[0].get_marker() == ""


def test_no_error_and_no_nonzeros_have_a_place_on_logarithmic_axes():
    own = course(ROWS[0], val_error=[0.1, 0.0, 0.0], nonzeros=[5.0, 0.0, 0.0])
    figure = history([study_of(ROWS[:1], courses=[own])], "validation")
    _, accuracy, nonzeros = figure.axes[:3]
    assert accuracy.lines[0].get_ydata().tolist() == [0.1, 0.0005, 0.0005]
    assert nonzeros.lines[0].get_ydata().tolist() == [5, 1, 1]


def test_a_run_without_a_lam_is_black():
    row = network(1e-4, 0.7, 33, 3, role="confirmation", seed=3)
    snapshot = study_of([*ROWS, row])
    points = snapshot.points.assign(lam=snapshot.points["lam"].where(snapshot.points["seed"] == 0))
    figure = history([replace(snapshot, points=points)], "validation")
    for (line,) in run_lines(figure, row):
        assert same_color(line.get_color(), "black")
