"""Sizes beside nonzeros: FLOPs, neurons and parameters as axes, wishes and print."""

import json

import numpy as np
import pytest

from paretoprune.analysis.aggregate import MEANS, over_seeds
from paretoprune.analysis.choice import find_knee, find_wish
from paretoprune.analysis.constraints import parse_wish
from paretoprune.analysis.knee import RULES, Terms
from paretoprune.analysis.knee.axes import AXES_OF, COUNTED, places
from paretoprune.analysis.knee.balance import balance
from paretoprune.analysis.pareto import nondominated, pareto
from paretoprune.errors import UsageError
from paretoprune.report.plots.front import ERROR_AXES, front
from paretoprune.report.terminal.tables import in_units
from paretoprune.study.storage.table_checks import SIZES
from tests.studies import ROWS, network, study_of, texts_of
from tests.tables import OLD, table
from tests.test_knees import SHAPES, front_of

ERROR, LOSS = (AXES_OF[f"{quality},nonzeros"] for quality in ("error", "loss"))
FLOPS = AXES_OF["error,flops"]


def sized(row, flops, neurons, parameters):
    """A row with sizes of its own."""
    return {
        **row,
        "parameters": 1100,
        "compact_parameters": parameters,
        "neurons": neurons,
        "dense_flops": 2_100_000,
        "flops": flops,
        "compact_flops": 2 * flops,
    }


# By FLOPs and by neurons the third is smaller than the fourth, and the fifth is the largest.
SIZED = [
    sized(ROWS[0], 1_900_000, 20, 1100),
    sized(ROWS[1], 300_000, 15, 600),
    sized(ROWS[2], 40_000, 4, 90),
    sized(ROWS[3], 50_000, 6, 200),
    sized(ROWS[4], 2_000_000, 21, 1090),
]
OLDER = [{**row, **OLD} for row in ROWS]


@pytest.fixture
def study():
    return study_of(SIZED)


def lams(points):
    return sorted(points["lam"])


def test_axes_are_every_quality_with_every_size_and_the_old_ones_come_first():
    assert list(AXES_OF)[:3] == ["loss,complexity", "loss,nonzeros", "error,nonzeros"]
    sizes = ("complexity", "nonzeros", "flops", "neurons", "parameters")
    assert set(AXES_OF) == {f"{quality},{size}" for quality in ("loss", "error") for size in sizes}
    assert AXES_OF["error,parameters"] == ("val_error", "compact_parameters")


@pytest.mark.parametrize("size", COUNTED)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_rule_sees_places_and_not_the_names_of_columns(size, shape):
    for name, entry in RULES.items():
        if entry.axes == tuple(AXES_OF):
            for own in (ERROR, LOSS):
                other = (own[0], size)
                asked, known = (Terms(axes, samples=10**9) for axes in (other, own))
                found = entry.rule(front_of(shape, other), asked)
                assert found == entry.rule(front_of(shape, own), known), name


def test_balance_asks_how_much_of_the_whole_networks_flops_is_left():
    """The same places cost another price where there is more to save."""
    front = front_of("curve", AXES_OF["loss,flops"])
    terms = Terms(AXES_OF["loss,flops"], constant_loss=1e3)
    price = np.log(1e3 / front["val_loss"].min()) / np.log(front["dense_flops"].max())
    assert f"{1 / price:.2g} % of the FLOPs for 1 % of the loss" in balance(front, terms).reason
    larger = balance(front.assign(dense_flops=1e30), terms)
    assert larger.reason != balance(front, terms).reason


def test_no_flops_count_as_one():
    rows = [(0.01, 400), (0.1, 20), (0.3, 0)]
    front = pareto(table({"lam": e, "val_error": e, "flops": flops} for e, flops in rows), FLOPS)
    labels, unit = places(front, Terms(FLOPS, samples=10**6))
    assert len(labels) == 3
    assert unit[1, 1] == pytest.approx(np.log10(20) / np.log10(400))


@pytest.mark.parametrize("name", [axes for axes in AXES_OF if axes.startswith("error,")])
def test_one_se_takes_every_size(study, name):
    choice = find_knee(study, "one-se", axes=name)
    assert choice.axes == AXES_OF[name]
    size = choice.axes[1]
    least = study.networks["val_error"].min()
    bound = least + np.sqrt(least * (1 - least) / 1000)
    good = study.networks[study.networks["val_error"] <= bound]
    assert choice.front.at[choice.network, size] == good[size].min()


def test_means_are_over_the_seeds_of_every_size():
    assert set(SIZES) <= set(MEANS)
    rows = [{**sized(ROWS[0], flops, 10, 100), "seed": seed} for seed, flops in enumerate((10, 30))]
    (row,) = over_seeds(table(rows)).to_dict("records")
    assert (row["flops"], row["flops_sd"]) == (20, pytest.approx(200**0.5))
    (row,) = over_seeds(table([{**row, **OLD} for row in rows])).to_dict("records")
    assert np.isnan(row["flops"])


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4], [4, 2, 0, 1, 3]])
def test_what_is_not_known_is_on_no_front(order):
    nan = np.nan
    values = np.array([(1, 5), (0.5, nan), (nan, 0), (2, 2), (nan, nan)], float)[order]
    assert sorted(values[nondominated(values)].tolist()) == [[1, 5], [2, 2]]
    assert len(nondominated(values[:0])) == 0
    assert len(nondominated(np.full((3, 2), nan))) == 0


def test_the_front_of_flops_is_another(paretoprune, study):
    assert lams(study.front_on(ERROR)) == [row["lam"] for row in ROWS]
    assert lams(study.front_on(FLOPS)) == [0.0, 1e-5, 1e-4]
    answer = paretoprune("knee", "study", "--rule=chord", "--axes=error,flops")
    assert answer.code == 0
    assert "on error and FLOPs, log axes" in answer.out
    assert "next denser: +1,600,000 FLOPs (+533%), loss -0.0020, accuracy +0.05" in answer.out
    assert "next sparser: -260,000 FLOPs (-87%), loss +0.0080, accuracy -0.20 points" in answer.out


@pytest.mark.parametrize(
    ("wish", "lam"),
    [
        ("flops=300000", 1e-5),
        ("flops=3e5", 1e-5),
        ("flops=299999", 1e-4),
        ("neurons=15", 1e-5),
        ("neurons=14", 1e-4),
        ("parameters=1100", 0.0),
        ("parameters=599", 1e-4),
    ],
)
def test_the_most_accurate_of_at_most_so_many_is_taken(study, wish, lam):
    choice = find_wish(study, parse_wish(wish, is_lower=False))
    assert choice.front.at[choice.network, "lam"] == lam


def test_an_unreachable_size_is_refused_with_the_nearest(study):
    with pytest.raises(UsageError, match="no network has flops at most 10: the nearest has 40000"):
        find_wish(study, parse_wish("flops=10", is_lower=False))


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
    reading = study_of(rows)
    assert "no network yet" in find_knee(reading, "one-se", axes="error,flops").reason
    assert texts_of(front([reading], "validation", "error,flops"))


def test_help_names_every_axis():
    from paretoprune.cli.knee import knee
    from paretoprune.cli.plot import plot

    (at_plot,) = [p.help for name, p in zip(*options_of(plot), strict=True) if name == "axes"]
    assert all(axes in at_plot for axes in ERROR_AXES)
    (at_knee,) = [p.help for name, p in zip(*options_of(knee), strict=True) if name == "axes"]
    assert all(word in at_knee for axes in AXES_OF for word in axes.split(","))


def options_of(command):
    """The names of a command's parameters, and what is declared of each."""
    count = command.__code__.co_argcount
    return command.__code__.co_varnames[:count], command.__defaults__


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


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((0, "0"), (999, "999"), (1000, "1 k"), (833_123, "833 k"), (999_600, "1 M")),
        *((1_234_567, "1.23 M"), (15.4e9, "15.4 G"), (2**53, "9.01 P"), (np.nan, "-")),
    ],
)
def test_large_counts_have_three_digits(value, text):
    assert in_units(value) == text


def test_programs_read_every_size(paretoprune, study):
    for everything in ([], ["--all"]):
        document = json.loads(paretoprune("show", "study", "--json", *everything).out)
        assert document["points"][0]["flops"] == 1_900_000
        assert set(SIZES) <= document["points"][0].keys()
        assert set(SIZES) <= set(paretoprune("show", "study", "--csv", *everything).out.split(","))
    study_of([network(0.1, 0.3, 9, 9, **OLD)], "old")
    (old,) = json.loads(paretoprune("show", "old", "--json").out)["points"]
    assert {old[name] for name in SIZES} == {None}
