"""The one-standard-error rule, by hand."""

import numpy as np
import pytest

from paretoprune.analysis.aggregate import over_seeds
from paretoprune.analysis.choice import find_knee
from paretoprune.analysis.knee import RULES, AxesSpec
from paretoprune.analysis.knee.axes import AXES_OF
from paretoprune.analysis.pareto import pareto
from tests.support.fronts import ERROR, front_at
from tests.support.studies import SIZED, study_of
from tests.support.tables import table

one_se = RULES["one-se"].rule


def error_front(*networks):
    """The front of networks, each of its seeds' errors and its nonzeros."""
    runs = (
        {"lam": i / 100, "seed": seed, "val_loss": 0.1, "val_error": error, "nonzeros": nonzeros}
        for i, (errors, nonzeros) in enumerate(networks)
        for seed, error in enumerate(errors)
    )
    return pareto(over_seeds(table(runs)), ERROR)


@pytest.mark.parametrize(
    ("errors", "samples", "chosen", "said"),
    [
        # sqrt(0.01 * 0.99 / 9900) = 0.001
        ((0.01, 0.0109, 0.0111, 0.4), 9900, 1, "1.000% ± 0.100%, n = 9,900 validation images"),
        ((0.01, 0.0109, 0.010999, 0.4), 9900, 2, "± 0.100%"),
        ((0.01, 0.0111, 0.012, 0.4), 9900, 0, "± 0.100%"),
        ((0.01, 0.0105, 0.0106, 0.0107), 9900, 3, "± 0.100%"),  # an extreme
        # no error at all counts as 1/200: 0.005 + sqrt(0.005 * 0.995 / 100) = 0.01205
        ((0.0, 0.01, 0.012, 0.4), 100, 2, "0.500% ± 0.705%"),
        ((0.0, 0.01, 0.0121, 0.4), 100, 1, "0.500% ± 0.705%"),
    ],
)
def test_one_se_by_hand(errors, samples, chosen, said):
    front = error_front(*(((error,), 1000 - 9 * i) for i, error in enumerate(errors)))
    result = one_se(front, AxesSpec(ERROR, is_log=False, samples=samples))
    assert result.index == front.index[chosen]
    assert said in result.reason


def test_one_se_uses_the_spread_of_three_seeds():
    """Errors of 1, 2 and 3 %: a standard deviation of 1 %, a standard error of 0.577 %."""
    seeds = (0.01, 0.02, 0.03)
    spec = AxesSpec(ERROR, is_log=False, samples=10**6)
    front = error_front((seeds, 900), ((0.0257,) * 3, 500), ((0.0258,) * 3, 400))
    result = one_se(front, spec)
    assert front.at[result.index, "nonzeros"] == 500
    assert "2.000% ± 0.577%, 3 seeds" in result.reason
    # two seeds are too few: the million images say 0.012 %
    front = error_front((seeds[:2], 900), ((0.0151,) * 2, 500), ((0.0152,) * 2, 400))
    result = one_se(front, spec)
    assert front.at[result.index, "nonzeros"] == 500
    assert "1.500% ± 0.012%, n = 1,000,000" in result.reason


def test_one_se_always_chooses_where_there_is_a_network():
    spec = AxesSpec(ERROR, is_log=False, samples=100)
    for count in (1, 2):
        front = error_front(*(((0.1 + 0.01 * i,), 900 - i) for i in range(count)))
        assert one_se(front, spec).index == front.index[-1]
    result = one_se(front_at(axes=ERROR), spec)
    assert result.index is None
    assert "no network" in result.reason


def test_one_se_of_losses_by_hand():
    """A loss of 0.02 ± 0.004, of the constant's 2: an error of 0.01 ± 0.002."""
    errors, sizes = (0.01, 0.0119, 0.0121, 0.4), (900, 500, 400, 3)
    rows = (
        {"lam": e, "val_error": e, "val_loss": 2 * e, "val_loss_se": 0.004, "nonzeros": n}
        for e, n in zip(errors, sizes, strict=True)
    )
    spec = AxesSpec(ERROR, is_log=False, samples=100, constant_loss=2.0, metric="R²")
    points = table(rows)
    result = RULES["one-se"].rule(points, spec)
    assert points.at[result.index, "nonzeros"] == 500
    assert "(0.01 ± 0.002, n = 100 validation samples)" in result.reason
    perfect = points.assign(val_error=[0.0, 0.1, 0.2, 0.3], val_loss=[0.0, 0.2, 0.4, 0.6])
    assert RULES["one-se"].rule(perfect, spec).index == points.index[0]


@pytest.fixture
def study():
    return study_of(SIZED)


@pytest.mark.parametrize("name", [axes for axes in AXES_OF if axes.startswith("error,")])
def test_one_se_takes_every_size(study, name):
    choice = find_knee(study, "one-se", axes=name)
    assert choice.axes == AXES_OF[name]
    size = choice.axes[1]
    least = study.networks["val_error"].min()
    bound = least + np.sqrt(least * (1 - least) / 1000)
    good = study.networks[study.networks["val_error"] <= bound]
    assert choice.front.at[choice.network, size] == good[size].min()
