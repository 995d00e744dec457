"""Axes and scales: which there are, which a rule takes, and where a network lies on them."""

from dataclasses import replace

import numpy as np
import pytest

from paretoprune.analysis.indicators import hypervolume_of
from paretoprune.analysis.knee import RULES, AxesSpec
from paretoprune.analysis.knee.axes import AXES_OF, COUNTED, floor_of, scaled_points
from paretoprune.analysis.pareto import pareto
from paretoprune.errors import UsageError
from paretoprune.study.metric import LEAST
from tests.support.fronts import ERROR, FLOPS, LOSS, MEASURED, SHAPES, front_at, front_of
from tests.support.tables import table

LOSS_AND_NONZEROS = AXES_OF["loss,nonzeros"]


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
            for own in (ERROR, LOSS_AND_NONZEROS):
                other = (own[0], size)
                asked, known = (AxesSpec(axes, samples=10**9) for axes in (other, own))
                found = entry.rule(front_of(shape, other), asked)
                assert found == entry.rule(front_of(shape, own), known), name


def test_no_flops_count_as_one():
    rows = [(0.01, 400), (0.1, 20), (0.3, 0)]
    front = pareto(table({"lam": e, "val_error": e, "flops": flops} for e, flops in rows), FLOPS)
    labels, unit = scaled_points(front, AxesSpec(FLOPS, samples=10**6))
    assert len(labels) == 3
    assert unit[1, 1] == pytest.approx(np.log10(20) / np.log10(400))


def test_places_that_a_floor_makes_equal_are_one():
    """Of 100 images 0, 0.001 and 0.005 are the same error; 0 nonzeros count as 1."""
    front = front_at((0, 90), (0.001, 50), (0.005, 40), (0.1, 4), (0.2, 0), axes=ERROR)
    labels, unit = scaled_points(front, AxesSpec(ERROR, is_log=True, samples=100))
    assert list(labels) == [2, 3, 4]
    logs = np.log10([[0.005, 40], [0.1, 4], [0.2, 1]])
    assert unit == pytest.approx((logs - logs.min(axis=0)) / np.ptp(logs, axis=0))
    assert len(scaled_points(front, AxesSpec(ERROR, is_log=False, samples=100))[0]) == 5


def test_the_first_axes_and_scale_that_a_rule_knows_are_its_default():
    known = {"samples": MEASURED.validation_images, "constant_loss": MEASURED.constant_loss}
    asked = RULES["chord"].spec("chord", None, None, MEASURED)
    assert asked == AxesSpec(LOSS, is_log=True, **known)
    asked = RULES["weight-interval"].spec("weight-interval", None, None, MEASURED)
    assert asked == AxesSpec(LOSS, is_log=False, **known)
    assert RULES["one-se"].spec("one-se", None, None, MEASURED).axes == ERROR
    asked = RULES["angle"].spec("angle", "error,nonzeros", "linear", MEASURED)
    assert asked == AxesSpec(ERROR, is_log=False, **known)


@pytest.mark.parametrize(
    ("name", "axes", "scale", "said"),
    [
        ("weight-interval", "error,nonzeros", None, "on --axes loss,complexity only: its weights"),
        ("weight-interval", None, "log", "with --linear only: it weighs the values themselves"),
        ("one-se", "loss,complexity", None, "on --axes error,nonzeros, .* only: its standard err"),
        ("one-se", None, "log", "takes neither --log nor --linear: .*leave the scale out"),
        ("one-se", None, "linear", "takes neither --log nor --linear"),
        ("balance", "error,nonzeros", None, "loss,flops, loss,parameters only: it measures losses"),
        ("balance", "loss,neurons", None, "and sizes against those of the whole network"),
        ("chord", "error,flop", None, "did you mean error,flops?"),
        ("balance", None, "linear", "with --log only: it compares shares"),
        ("chord", "complexity,loss", None, "did you mean loss,complexity?"),
        ("chord", "error,nonzero", None, "did you mean error,nonzeros?"),
        ("chord", None, "linaer", "did you mean linear?"),
    ],
)
def test_axes_and_scales_without_a_meaning_are_refused(name, axes, scale, said):
    with pytest.raises(UsageError, match=said):
        RULES[name].spec(name, axes, scale, MEASURED)


def test_small_errors_count_unless_they_are_shares_of_images():
    """Of 100 images half of one is the least; a share of a loss may be smaller."""
    spec = AxesSpec(ERROR, samples=100, metric="R²", constant_loss=2.0)
    assert floor_of("val_error", 100, "R²", 2.0) == LEAST
    assert floor_of("val_loss", 100, "R²", 2.0) == 2 * LEAST
    assert floor_of("val_loss", 0, "R²", 2.0) == 1e-300
    three = front_at((0.001, 90), (0.004, 50), (0.1, 4), axes=ERROR)
    assert len(scaled_points(three, spec)[0]) == 3
    assert len(scaled_points(three, replace(spec, metric="accuracy"))[0]) == 2
    row = {"val_error": 0.001, "nonzeros": 1, "prunable_weights": 1000}
    assert hypervolume_of(table([row]), samples=5, metric="R²") == pytest.approx(1)
    assert hypervolume_of(table([row]), samples=5) == pytest.approx(0)
