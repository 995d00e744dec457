"""Shares of GPUs."""

import pytest


@pytest.mark.parametrize(
    ("total", "need", "fleets"),
    [(4, 1, 4), (4, 0.25, 16), (4, 0.3, 12), (4, 0.6, 4), (7, 2, 3), (0, 1, 0), (0, 0.5, 0)],
)
def test_a_share_is_of_one_gpu(total, need, fleets):
    executor = pytest.importorskip("paretoprune.runner.executors.ray.ray_executor")
    assert executor.room(total, need) == fleets
