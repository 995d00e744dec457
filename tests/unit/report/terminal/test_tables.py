"""Numbers in tables."""

import numpy as np
import pytest

from paretoprune.report.terminal.tables import in_units


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((0, "0"), (999, "999"), (1000, "1 k"), (833_123, "833 k"), (999_600, "1 M")),
        *((1_234_567, "1.23 M"), (15.4e9, "15.4 G"), (2**53, "9.01 P"), (np.nan, "-")),
    ],
)
def test_large_counts_have_three_digits(value, text):
    assert in_units(value) == text
