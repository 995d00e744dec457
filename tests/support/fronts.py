"""Fronts of known shapes, for knee rules and axes."""

import numpy as np

from paretoprune.analysis.knee import AxesSpec
from paretoprune.analysis.knee.axes import AXES_OF
from paretoprune.analysis.pareto import pareto
from paretoprune.study.plan import Measured
from tests.support.tables import PRUNABLE, table

LOSS, _, ERROR, *_ = AXES_OF.values()
MEASURED = Measured(  # so many images that no error is too small, and no loss too large
    lam_ref=1e-3,
    constant_loss=1e3,
    prunable_weights=PRUNABLE,
    validation_images=10**9,
    test_images=1,
)


def front_at(*places, axes=LOSS):
    """The front of networks at these places, which are in `axes`."""
    first, second = axes
    rows = (
        {"lam": i / 100, "val_loss": 1.0, first: float(x), second: float(y)}
        for i, (x, y) in enumerate(places)
    )
    return pareto(table(rows), axes)


SHAPES = {
    "curve": [(0.01 * 2**i, 1000 / (1 + i) ** 3) for i in range(8)],
    "corner": [(0.1, 1000), (0.2, 10), (2, 5)],
    "dents": [(0.1, 1000), (0.2, 900), (0.3, 20), (0.5, 15), (0.51, 14), (2, 1)],
    "line": [(1 + i, 9 - i) for i in range(8)],
    "line in logs": [(0.1, 1000), (1, 100), (10, 10), (100, 1)],
    "mirror": [(1, 100), (2, 30), (10, 10), (30, 2), (100, 1)],
    "even in logs": [(2**i, 1000 / 3**i) for i in range(9)],
}


def front_of(shape, axes):
    """The shape with errors below one half, and so many nonzeros that none counts as one."""
    factors = (1, 1) if axes == LOSS else (0.004, 1e6)
    return front_at(*(np.array(SHAPES[shape]) * factors), axes=axes)


FLOPS = AXES_OF["error,flops"]
LOG, LINEAR = AxesSpec(), AxesSpec(is_log=False)
