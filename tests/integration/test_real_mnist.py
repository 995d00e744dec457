"""A short sweep on real MNIST."""

import pytest

from paretoprune.analysis.aggregate import choosable
from paretoprune.analysis.choice import find_knee
from paretoprune.analysis.indicators import hypervolume_of
from paretoprune.analysis.snapshot import load_study
from paretoprune.problem.build import Environment
from paretoprune.runner.request import SweepRequest
from paretoprune.runner.sweep import sweep


@pytest.mark.slow
def test_a_short_sweep_on_real_mnist(data_dir, tmp_path):
    """Two epochs a run: already small networks that are nearly as good as the dense one."""
    settings = {"dataset": "mnist", "model": "lenet5", "epochs": 2, "round_size": 10}
    summary = sweep(
        SweepRequest(
            folder=tmp_path / "study",
            settings=settings,
            budget={"max_runs": 10},
            environment=Environment(data_dir=data_dir),
        ),
        lambda event: None,
    )
    assert summary.ending == "budget"
    snapshot = load_study(summary.folder)
    networks = choosable(snapshot.networks)
    dense = networks[networks["lam"] == 0].iloc[0]
    assert dense["test_error"] < 0.03
    small = networks[networks["test_error"] < dense["test_error"] + 0.01]
    assert small["nonzeros"].min() < 0.05 * dense["nonzeros"]
    choice = find_knee(snapshot)
    assert choice.front.at[choice.network, "nonzeros"] < 0.1 * dense["nonzeros"]
    assert hypervolume_of(networks, 6000) > 0.25
