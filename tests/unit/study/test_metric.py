"""The metric: its digits in print."""

import pytest

from paretoprune.study.metric import written


@pytest.mark.parametrize(
    ("error", "text"),
    [
        *((0.014, "0.9860"), (0.5, "0.5000"), (1.0, "0.0000"), (0.0012, "0.9988")),
        *((3.24e-5, "0.999968"), (0.0, "1.0000"), (float("nan"), "nan")),
    ],
)
def test_as_many_digits_as_tell_it_from_one(error, text):
    assert written(error, "R²") == text
    assert written(0.014, "accuracy") == "98.60%"
