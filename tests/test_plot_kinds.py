"""The kinds of pictures: what all have in common, then the layers and the history."""

import re
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pyarrow as pa
import pytest
import typer
from matplotlib.colors import same_color, to_rgba

from paretoprune import store
from paretoprune.cli import app
from paretoprune.errors import CorruptStudyError, CouldNotError, UsageError
from paretoprune.plot import DEFAULT_KIND, KINDS, draw_studies
from paretoprune.plot.history import history
from paretoprune.plot.layers import layers
from paretoprune.plot.style import COLOURS, GREY, KNEE, STYLE, WIDTH
from paretoprune.reading import find_knee, read_study
from paretoprune.settings import Budget, Measured, Plan, Settings
from tests.tables import table

EPOCHS = 3
PLAN = Plan(
    settings=Settings(epochs=EPOCHS),
    budget=Budget(),
    measured=Measured(
        lam_ref=1e-3,
        constant_loss=2.3,
        prunable_weights=1050,
        validation_images=1000,
        test_images=500,
        fleet_size=2,
    ),
)


def network(lam, loss, first, second, **also):
    """A row with two prunable layers, of 1000 and 50 weights."""
    return {
        "lam": lam,
        "epochs": EPOCHS,
        "val_loss": loss,
        "val_error": loss / 4,
        "test_loss": loss,
        "test_error": loss / 4,
        "complexity": float(first + second) / 10,
        "nonzeros": first + second,
        "prunable_weights": 1050,
        "layers": [
            {"name": "1.weight", "shape": [10, 100], "nonzeros": first, "l1": 1.0},
            {"name": "3.weight", "shape": [10, 5], "nonzeros": second, "l1": 1.0},
        ],
        **also,
    }


ROWS = [
    network(0.0, 0.020, 950, 50),
    network(1e-5, 0.022, 400, 40),
    network(1e-4, 0.030, 60, 20),
    network(1e-3, 0.200, 15, 5),
    network(5e-3, 0.900, 7, 0),
]
DOMINATED = network(2e-4, 0.300, 100, 40)
COLLAPSED = network(1e-1, 2.300, 0, 0, collapsed=True)
FAILED = {"lam": 2e-1, "epochs": EPOCHS, "status": "failed", "failure": "no luck"}


def course(row, **changes):
    """A history that ends at the row's values."""
    epochs = np.arange(1.0, row["epochs"] + 1)
    names = ("train_loss", "val_loss", "val_error", "complexity", "nonzeros")
    ends = {name: row.get(name, 1.0) for name in names}
    columns = {name: end * (1 + epochs[-1] - epochs) for name, end in ends.items()}
    weights = {"loss_weight": epochs * 0 + 1, "complexity_weight": epochs * 0}
    return {"epoch": epochs, **columns, **weights, **changes}


def study_of(rows, folder="study", courses=None):
    """A study on disk, with a history for each run that did not fail unless `courses` are given."""
    place = Path(folder)
    place.mkdir()
    store.write_plan(place, PLAN)
    recorded = pa.Table.from_pandas(table(rows), store.SCHEMA).to_pylist()
    if courses is None:
        courses = [None if row.get("status") == "failed" else course(row) for row in rows]
    ids = [row["run_id"] for row in recorded]
    histories = {id_: own for id_, own in zip(ids, courses, strict=True) if own is not None}
    if rows:
        store.record(place, recorded, {}, histories, {})
    return read_study(place)


def by_label(axes):
    return {line.get_label(): line for line in axes.lines if line.get_label()[0] != "_"}


def legend_of(figure):
    """The words of the figure's legend, with their handles."""
    return {
        text.get_text(): handle
        for legend in figure.legends
        for text, handle in zip(legend.get_texts(), legend.legend_handles, strict=True)
    }


def texts_of(figure):
    return [text.get_text() for text in figure.texts]


def crosses_of(axes):
    """Where dead layers are marked, as (x, y)."""
    offsets = [np.asarray(cloud.get_offsets()) for cloud in axes.collections]
    return np.concatenate(offsets).tolist()


def run_lines(figure, row):
    """The three lines of the run of a row."""
    return [
        [
            line
            for line in axes.lines
            if line.get_ydata()[-1] == pytest.approx(max(row[column], floor))
            and len(line.get_xdata()) == row["epochs"]
        ]
        for axes, column, floor in zip(
            figure.axes, ("val_loss", "val_error", "nonzeros"), (0, 1 / 2000, 1), strict=False
        )
    ]


# Every kind


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
    reading = study_of(ROWS)

    def broken(*_):
        raise OSError(28, "No space left on device")

    Path("picture.png").write_bytes(b"old")
    monkeypatch.setattr("pathlib.Path.replace", broken)
    with pytest.raises(CouldNotError, match="make room"):
        draw_studies([reading], Path("picture.png"), kind=kind)
    assert not list(Path().rglob("*.partial"))
    assert Path("picture.png").read_bytes() == b"old"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn_the_same_twice(kind):
    reading = study_of([*ROWS, COLLAPSED, FAILED])
    for name in ("a.png", "b.png"):
        draw_studies([reading], Path(name), kind=kind)
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


# The layers


@pytest.fixture
def of_layers():
    return layers([study_of([*ROWS, DOMINATED, COLLAPSED, FAILED])], "validation")


def test_each_layer_has_a_line_along_the_front(of_layers):
    left, right = of_layers.axes
    assert list(by_label(left)) == ["1.weight (10×100)", "3.weight (10×5)"]
    first, second = by_label(left).values()
    assert first.get_xdata().tolist() == second.get_xdata().tolist() == [7, 20, 80, 440, 1000]
    assert first.get_ydata().tolist() == [7, 15, 60, 400, 950]
    assert second.get_ydata().tolist() == [1, 5, 20, 40, 50]
    kept = [line.get_ydata().tolist() for line in by_label(right).values()]
    assert kept == [
        pytest.approx([0.7, 1.5, 6, 40, 95]),
        pytest.approx([2, 10, 40, 80, 100]),
    ]
    assert {axes.get_xscale() + axes.get_yscale() for axes in (left, right)} == {"loglog"}


def test_layers_are_told_apart_by_colour_and_marker(of_layers):
    for axes in of_layers.axes:
        first, second = by_label(axes).values()
        assert first.get_color() != second.get_color()
        assert first.get_marker() != second.get_marker()
    left, right = (by_label(axes) for axes in of_layers.axes)
    for name in left:
        assert left[name].get_color() == right[name].get_color()
        assert name in legend_of(of_layers)


def test_a_dead_layer_has_a_cross(of_layers):
    left, right = of_layers.axes
    assert crosses_of(left) == [[7, 1]]
    assert crosses_of(right) == [[7, 2]]
    _, second = by_label(left).values()
    assert second.get_markevery() == [1, 2, 3, 4]
    assert legend_of(of_layers)["no weight is left"].get_marker() == "x"


def test_a_layer_with_one_weight_is_not_dead():
    rows = [*ROWS[:4], network(5e-3, 0.9, 7, 1)]
    figure = layers([study_of(rows)], "validation")
    assert crosses_of(figure.axes[0]) == []
    assert "no weight is left" not in legend_of(figure)


def test_the_knee_is_a_line_with_its_value():
    reading = study_of(ROWS)
    knee = find_knee(reading)
    total = int(knee.front.loc[knee.network, "nonzeros"])
    for axes in layers([reading], "validation").axes:
        (line,) = [line for line in axes.lines if line.get_color() == KNEE]
        assert list(line.get_xdata()) == [total, total]
        assert [text.get_text() for text in axes.texts] == [f"knee: {total} nonzeros"]


def test_a_front_without_a_knee_has_no_line():
    reading = study_of(ROWS[:2])
    assert find_knee(reading).network is None
    for axes in layers([reading], "validation").axes:
        assert len(axes.lines) == 2
        assert not axes.texts


def test_with_seeds_the_network_that_is_handed_over_stands():
    rows = [*ROWS, network(1e-4, 0.025, 70, 30, seed=1)]
    figure = layers([study_of(rows)], "validation")
    first, second = by_label(figure.axes[0]).values()
    at = first.get_xdata().tolist().index(100)
    assert (first.get_ydata()[at], second.get_ydata()[at]) == (70, 30)
    assert len(first.get_xdata()) == len(ROWS)
    assert figure.get_suptitle() == (
        "with several seeds: the network of least validation loss stands for its λ"
    )


def test_one_seed_needs_no_note(of_layers):
    assert of_layers.get_suptitle() == ""


def test_a_collapsed_study_has_no_layers_to_show():
    figure = layers([study_of([COLLAPSED, FAILED])], "validation")
    assert texts_of(figure) == ["no network yet that learnt anything"]


# The history


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
    reading = study_of([*ROWS, FAILED])
    run_id = reading.points["run_id"][1]
    (reading.folder / "history" / f"{run_id}.parquet").unlink()
    figure = history([reading], "validation")
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
    reading = study_of(ROWS[:1], courses=[own])
    path = reading.folder / "history" / f"{reading.points['run_id'][0]}.parquet"
    if damage == "no parquet":
        path.write_bytes(b"no table")
    with pytest.raises(CorruptStudyError, match=rf"{path.name} cannot be read \(.*move it away"):
        store.read_history(reading.folder, path.stem)
    answer = paretoprune("plot", "study", "--kind", "history")
    assert (answer.code, "Traceback" in answer.err) == (4, False)
    assert not list(Path().rglob("*.png"))


def test_a_history_is_read_as_it_was_recorded():
    reading = study_of(ROWS[:1])
    own = store.read_history(reading.folder, reading.points["run_id"][0])
    assert own.columns.tolist() == store.HISTORY.names == list(course(ROWS[0]))
    assert own["val_loss"].tolist() == pytest.approx([0.06, 0.04, 0.02])
    assert store.read_history(reading.folder, "no-such-run") is None


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
    compared = {**ROWS[2], "role": "comparison", "seed": 1, "val_loss": 0.7}
    figure = history([study_of([*ROWS, compared])], "validation")
    assert list(legend_of(figure)) == ["the study's runs", "comparison, 3 epochs"]


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
    row = network(1e-4, 0.7, 33, 3, role="comparison", seed=3)
    reading = study_of([*ROWS, row])
    points = reading.points.assign(lam=reading.points["lam"].where(reading.points["seed"] == 0))
    figure = history([replace(reading, points=points)], "validation")
    for (line,) in run_lines(figure, row):
        assert same_color(line.get_color(), "black")
