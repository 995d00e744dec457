"""Constraints: the smallest network that is good enough, the best that is small enough."""

import pytest

from paretoprune.analysis.choice import find_constrained
from paretoprune.analysis.constraints import parse_constraint, satisfy
from paretoprune.errors import UsageError
from paretoprune.study.metric import METRICS
from tests.support.studies import SIZED, study_of
from tests.support.tables import OLD, table


@pytest.mark.parametrize(
    ("text", "is_lower", "quantity", "bound"),
    [
        ("accuracy=0.98", True, "accuracy", 0.98),
        ("accuracy=98%", True, "accuracy", 0.98),
        (" sparsity = .5 ", True, "sparsity", 0.5),
        ("nonzeros=2000", False, "nonzeros", 2000),
        ("nonzeros=2e3", False, "nonzeros", 2000),
        ("l1=1.5E-2", False, "l1", 0.015),
        ("loss=0", False, "loss", 0),
        ("r2=0.9", True, "r2", 0.9),
        ("skill=90%", True, "skill", 0.9),
        ("flops=1e6", False, "flops", 1e6),
        ("neurons=12", False, "neurons", 12),
        ("parameters=5000", False, "parameters", 5000),
    ],
)
def test_a_wish_is_read(text, is_lower, quantity, bound):
    constraint = parse_constraint(text, is_lower=is_lower)
    assert (constraint.quantity, constraint.is_lower, constraint.bound) == (
        quantity,
        is_lower,
        bound,
    )


@pytest.mark.parametrize(
    ("text", "is_lower", "said"),
    [
        ("acuracy=0.98", True, "did you mean accuracy"),
        ("nonzero=10", False, "did you mean nonzeros"),
        ("nonzeros=10", True, "accuracy, r2, skill, sparsity"),
        ("", True, "accuracy, r2, skill, sparsity"),
        ("R²=0.9", True, "accuracy, r2, skill, sparsity"),
        ("r2=1.1", True, "between 0 and 1"),
        ("flop=10", False, "did you mean flops"),
        ("flops=10%", False, "flops=NUMBER"),
        ("accuracy", True, "accuracy=NUMBER"),
        ("accuracy=", True, "accuracy=NUMBER"),
        ("accuracy=high", True, "accuracy=NUMBER"),
        ("nonzeros=-5", False, "nonzeros=NUMBER"),
        ("nonzeros=nan", False, "nonzeros=NUMBER"),
        ("accuracy=0.9=1", True, "accuracy=NUMBER"),
        ("accuracy=98", True, "between 0 and 1"),
        ("sparsity=101%", True, "between 0 and 1"),
    ],
)
def test_a_bad_wish_is_refused_with_what_to_change(text, is_lower, said):
    option = "--at-least" if is_lower else "--at-most"
    with pytest.raises(UsageError, match=said) as error:
        parse_constraint(text, is_lower=is_lower)
    assert option in str(error.value)


NETWORKS = [  # on the front of error and nonzeros, but for the fourth
    {"val_error": 0.01, "nonzeros": 900, "val_loss": 0.05, "l1": 90.0, "flops": 7000},
    {"val_error": 0.02, "nonzeros": 300, "val_loss": 0.04, "l1": 20.0, "flops": 8000},
    {"val_error": 0.05, "nonzeros": 100, "val_loss": 0.20, "l1": 30.0, "flops": 6000},
    {"val_error": 0.05, "nonzeros": 120, "val_loss": 0.18, "l1": 10.0, "flops": 300},
    {"val_error": 0.25, "nonzeros": 20, "val_loss": 0.90, "l1": 5.0, "flops": 200},
    {"val_error": 0.00, "nonzeros": 950, "val_loss": 0.05, "l1": 95.0, **OLD},
]
POINTS = table({"lam": i / 10, **network} for i, network in enumerate(NETWORKS))


@pytest.mark.parametrize(
    ("text", "is_lower", "label"),
    [
        ("accuracy=0.9", True, 2),  # fewest nonzeros that reach it
        ("accuracy=0.98", True, 1),
        ("accuracy=0.981", True, 0),
        ("accuracy=0", True, 4),
        ("skill=0.95", True, 2),
        ("sparsity=0.05", True, 5),  # best accuracy that sparse
        ("sparsity=0.06", True, 0),
        ("sparsity=0.7", True, 1),
        ("sparsity=0.71", True, 2),
        ("sparsity=98%", True, 4),
        ("nonzeros=5000", False, 5),
        ("nonzeros=900", False, 0),
        ("flops=1e9", False, 0),  # of the last one nobody knows
        ("flops=7e3", False, 0),
        ("flops=6999", False, 3),  # as accurate as the third, and smaller
        ("flops=299", False, 4),
        ("nonzeros=300", False, 1),
        ("nonzeros=299", False, 2),
        ("nonzeros=20", False, 4),
        ("l1=20", False, 1),
        ("l1=19", False, 3),
        ("loss=0.04", False, 1),  # fewest nonzeros with that loss
        ("loss=0.19", False, 3),
        ("loss=0.5", False, 2),
        ("accuracy=0.95", True, 2),  # met exactly, but for rounding
        ("accuracy=0.99", True, 0),
        ("r2=0.995", True, 5),
    ],
)
def test_a_wish_is_fulfilled(text, is_lower, label):
    constraint = parse_constraint(text, is_lower=is_lower)
    assert satisfy(POINTS, constraint) == label
    assert satisfy(POINTS.sample(frac=1, random_state=0), constraint) == label


@pytest.mark.parametrize(
    ("text", "is_lower", "nearest"),
    [
        ("flops=199", False, "200"),
        ("sparsity=0.99", True, "0.98"),
        ("nonzeros=19", False, "20"),
        ("l1=4", False, "5"),
        ("loss=0.03", False, "0.04"),
    ],
)
def test_an_unreachable_wish_is_refused_with_the_nearest(text, is_lower, nearest):
    with pytest.raises(UsageError, match=rf"nearest has {nearest} "):
        satisfy(POINTS, parse_constraint(text, is_lower=is_lower))


@pytest.mark.parametrize("error", [0.07, 0.02, 0.1, 0.3])
def test_a_wish_that_is_met_exactly_is_met(error):
    points = table([{"val_error": error, "nonzeros": 900, "prunable_weights": 1000}])
    assert satisfy(points, parse_constraint(f"accuracy={1 - error:.2f}", is_lower=True)) == 0
    assert satisfy(points, parse_constraint("sparsity=0.1", is_lower=True)) == 0


def test_a_wish_needs_a_network():
    with pytest.raises(UsageError, match="no network"):
        satisfy(table([]), parse_constraint("accuracy=0.5", is_lower=True))


@pytest.fixture
def study():
    return study_of(SIZED)


@pytest.mark.parametrize(
    ("constraint", "lam"),
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
def test_the_most_accurate_of_at_most_so_many_is_taken(study, constraint, lam):
    choice = find_constrained(study, parse_constraint(constraint, is_lower=False))
    assert choice.front.at[choice.network, "lam"] == lam


def test_an_unreachable_size_is_refused_with_the_nearest(study):
    with pytest.raises(UsageError, match="no network has flops at most 10: the nearest has 40000"):
        find_constrained(study, parse_constraint("flops=10", is_lower=False))


def test_every_quality_can_be_wished_for():
    from paretoprune.analysis.constraints import METRICS as WISHES

    assert tuple(WISHES.values()) == METRICS
