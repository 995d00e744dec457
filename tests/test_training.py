"""What a step is made of, by hand-computed examples, and what comes out of a run."""

import json
import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from paretoprune.errors import UsageError
from paretoprune.problem.models import MODELS
from paretoprune.pruning.penalties import COMPLEXITIES, l1, nonzeros, total
from paretoprune.pruning.selection import PRUNABLE, prunable_names
from paretoprune.pruning.threshold import prune
from paretoprune.study.run import Run
from paretoprune.training.evaluate import reference_lam
from paretoprune.training.optimizers import SCHEDULES
from paretoprune.training.train import train_fleet
from tests.problems import problem, run


def silent(step, steps):
    """Report to nobody."""


def test_l1_and_nonzeros_of_two_networks():
    first = torch.tensor([[[1.0, -2.0], [0.0, 0.5]], [[0.0, 0.0], [0.0, -3.0]]])  # [2, 2, 2]
    second = torch.tensor([[[4.0]], [[0.0]]])
    assert total([l1(first), l1(second)]).tolist() == [7.5, 3.0]
    assert total([nonzeros(first), nonzeros(second)]).tolist() == [4, 1]


@pytest.mark.parametrize("kind", COMPLEXITIES)
def test_the_gradient_of_a_complexity_is_its_values(double, kind):
    weights = torch.randn(3, 4, 5).requires_grad_()
    (expected,) = torch.autograd.grad(COMPLEXITIES[kind].value(weights).sum(), weights)
    torch.testing.assert_close(COMPLEXITIES[kind].gradient(weights.detach()), expected)


def test_the_subgradient_at_zero_is_zero():
    assert COMPLEXITIES["l1"].gradient(torch.zeros(1, 2)).tolist() == [[0.0, 0.0]]


def test_itp_prunes_up_to_each_networks_threshold():
    weights = torch.tensor([[0.5, -0.1, 0.1, 0.11], [0.5, -0.1, 0.1, 0.11]])
    prune([weights], [(slice(0, 1), 0.1), (slice(1, 2), 0.0)])
    expected = torch.tensor([[0.5, 0.0, 0.0, 0.11], [0.5, -0.1, 0.1, 0.11]])
    assert torch.equal(weights, expected)


def test_schedules_begin_at_the_full_rate_and_do_not_rise():
    for schedule in SCHEDULES.values():
        factors = [schedule(progress) for progress in np.linspace(0, 0.999, 50)]
        assert factors[0] == pytest.approx(1, abs=1e-4)
        assert all(0 < b <= a for a, b in pairwise(factors))
    assert SCHEDULES["cosine"](0.5) == pytest.approx(0.5)


def test_the_logistic_schedule_falls_tenfold_around_three_quarters():
    logistic = SCHEDULES["logistic"]
    assert logistic(0.75) == pytest.approx((1 + 0.1) / 2)
    assert logistic(0.5) > 0.96
    assert 0.1 < logistic(1.0) < 0.14


def test_prunable_weights_of_the_papers_networks():
    names = ("lenet5", "mlp", "lenet5-caffe")
    lenet5, mlp, caffe = (MODELS[name]((1, 28, 28), 10) for name in names)

    def count(model, kind):
        weights = dict(model.named_parameters())
        return sum(weights[name].numel() for name in prunable_names(model, kind))

    assert count(lenet5, "linear") == 58_920  # the paper's
    assert sum(weights.numel() for weights in lenet5.parameters()) == 60_074
    assert count(lenet5, "all") == 58_920 + 6 * 9 + 16 * 6 * 9
    assert count(mlp, "linear") == 266_200
    assert count(caffe, "all") == 430_500
    assert count(MODELS["vgg"]((3, 32, 32), 10), "linear") == 20_480  # 2048 x 10, the paper's


def test_a_model_without_prunable_layers_is_refused():
    assert PRUNABLE.keys() == {"linear", "conv", "all"}
    with pytest.raises(UsageError, match="--prunable conv; it has some for: linear, all"):
        prunable_names(MODELS["mlp"]((1, 8, 8), 10), "conv")


def test_lam_ref_is_initial_loss_over_initial_complexity():
    task = problem()
    network = task.problem.network(0)
    (images,) = task.problem.inputs(task.problem.data.train.inputs)
    loss = torch.nn.functional.cross_entropy(network(images), task.problem.data.train.targets)
    size = sum(layer.weight.abs().sum() for layer in network if hasattr(layer, "weight"))
    assert reference_lam(task) == pytest.approx((loss / size).item(), rel=1e-4)


def test_a_point_says_what_its_weights_are():
    task = problem("lenet5", "all")
    one = run(lam=2e-3)
    outcome = train_fleet([run(lam=0.0), one], task, silent)[1]
    point, arrays = outcome.point, [outcome.weights[name] for name in task.problem.prunable]
    assert point.run == one
    assert point.nonzeros == sum(np.count_nonzero(array) for array in arrays)
    assert point.l1 == pytest.approx(sum(np.abs(array).sum() for array in arrays), rel=1e-5)
    assert point.complexity == pytest.approx(point.l1, rel=1e-5)
    assert point.prunable_weights == sum(array.size for array in arrays)
    assert [layer.shape for layer in point.layers] == [array.shape for array in arrays]
    assert all(abs(w) > one.threshold for array in arrays for w in array[array != 0].flat)
    assert 0 < point.nonzeros < point.prunable_weights
    assert set(outcome.weights) == set(dict(task.problem.network(0).named_parameters()))


def test_history_has_a_row_an_epoch_and_ends_at_the_point():
    outcome = train_fleet([run(lam=1e-3, epochs=3)], problem(), silent)[0]
    history, point = outcome.history, outcome.point
    assert history["epoch"] == [1, 2, 3]
    for name in ("val_loss", "val_error", "complexity", "nonzeros"):
        assert history[name][-1] == pytest.approx(getattr(point, name))
    assert history["train_loss"][2] < history["train_loss"][0]
    assert history["loss_weight"] == pytest.approx([0.999] * 3)
    assert history["complexity_weight"] == pytest.approx([0.001] * 3)


def test_lam_rises_evenly_while_a_run_warms_up():
    task = problem()
    steps = math.ceil(len(task.problem.data.train) / 32)  # an epoch's
    history = train_fleet([run(lam=0.01, epochs=4, warm_up=0.5)], task, silent)[0].history
    shares = np.minimum(np.arange(4 * steps) / (2 * steps), 1).reshape(4, steps).mean(1)
    assert history["complexity_weight"] == pytest.approx(0.01 * shares)
    assert history["loss_weight"] == pytest.approx(1 - 0.01 * shares)


def test_a_network_that_warms_up_survives_a_lam_that_kills_it_otherwise():
    killed, kept = (
        train_fleet([run(lam=0.03, epochs=20, warm_up=warm_up)], problem(), silent)[0].point
        for warm_up in (0.0, 0.5)
    )
    assert killed.collapsed
    assert not kept.collapsed


def test_a_large_lam_collapses_and_says_so():
    dead, alive = (
        outcome.point
        for outcome in train_fleet(
            [run(lam=0.5, epochs=6), run(lam=1e-4, epochs=6)], problem(), silent
        )
    )
    assert dead.collapsed
    assert not alive.collapsed
    assert dead.val_loss > 0.99 * math.log(10)


def test_seeds_change_initial_weights_and_nothing_else():
    task = problem()
    assert not torch.equal(task.problem.network(0)[1].weight, task.problem.network(1)[1].weight)
    assert torch.equal(task.problem.network(1)[1].weight, task.problem.network(1)[1].weight)
    assert torch.equal(task.problem.order(0), problem().problem.order(0))
    assert not torch.equal(task.problem.order(0), task.problem.order(1))


def test_ids_of_old_runs_never_change():
    one = Run(
        method="weighted-sum",
        lam=0.000135937,
        seed=0,
        epochs=10,
        batch_size=64,
        optimizer="adam",
        learning_rate=0.01,
        schedule="cosine",
        threshold=0.001,
        complexity_kind="l1",
    )
    assert one.id == "11da814d06e3"
    assert Run(**json.loads(json.dumps({**vars(one), "seed": 1}))).id != one.id
