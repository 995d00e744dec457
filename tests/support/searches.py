"""What a search proposes, and the laws that hold for every proposal."""

from dataclasses import replace

import numpy as np
import pytest

from paretoprune.analysis.aggregate import over_seeds
from paretoprune.search import SEARCHES, SearchSettings
from tests.support.tables import FRONTS, table

knee, grid = SEARCHES["knee"], SEARCHES["grid"]
ALL = pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES.keys())
ON_FRONTS = pytest.mark.parametrize("front", FRONTS, ids=lambda front: front.name)
SETTINGS = SearchSettings(
    lam_ref=FRONTS[0].lam_ref,
    round_size=8,
    tolerance=0.005,
    max_runs=20,
    constant_loss=float(np.log(10)),
    validation_images=100,
)


def settings_of(front, **changes):
    return replace(SETTINGS, lam_ref=front.lam_ref, **changes)


def examined(rows, settings=SETTINGS, search=knee):
    return search(over_seeds(table(rows)), settings)


def assert_lams_are_valid(proposal, points, settings):
    assert len(proposal.lams) <= settings.round_size
    assert len(set(proposal.lams)) == len(proposal.lams)
    assert not set(proposal.lams) & set(points["lam"])
    for lam in (*proposal.lams, *(interval.lam for interval in proposal.intervals)):
        assert type(lam) is float
        assert 0 <= lam < 1
        assert lam == float(f"{lam:.6g}")
    for interval in proposal.intervals:
        assert interval.gain >= 0


def area_left(front, points, interval):
    """The area between the chord of an interval and the true front, on logarithmic axes."""
    places = points.set_index("lam")[["train_loss", "complexity"]]
    dense, sparse = places.loc[interval.lam_low], places.loc[interval.lam_high]
    losses = np.geomspace(dense.iloc[0], sparse.iloc[0], 2001)
    chord = np.interp(losses, *zip(dense, sparse, strict=True))
    true = np.array([front.complexity(loss) for loss in losses])
    return np.trapezoid(np.log10(chord / true), np.log10(losses))


def assert_never_worse_than_chord(front, points, proposal, tolerance):
    """Where an interval has converged, no more than the tolerance was left to find."""
    for interval in proposal.intervals:
        if interval.state == "converged":
            assert area_left(front, points, interval) <= tolerance
