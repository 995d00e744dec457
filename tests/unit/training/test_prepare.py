"""Preparing a problem: models and data that fit together, and those that are refused."""

import pytest
import torch
from torch import nn

from paretoprune.errors import UsageError
from paretoprune.problem.build import Environment
from paretoprune.study.settings import Settings
from paretoprune.training.prepare import prepare
from paretoprune.training.train import train_fleet
from tests.support.problems import run

X, Y = torch.randn(40, 3), torch.arange(40) % 4


class Pairing(nn.Linear):
    def forward(self, x):
        return super().forward(x), x


def problem_of(model, data, **settings):
    place = Environment(model=model, data=data)
    return prepare(Settings.from_options({"model": "m:m", "dataset": "d:d", **settings}), place)


class Pair(nn.Module):
    """Two inputs, one of them tokens; the words are embedded by shared weights."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(9, 6)
        self.back = nn.Linear(6, 9, bias=False)
        self.back.weight = self.words.weight
        self.last = nn.Linear(9 + 3, 4)
        self.frozen = nn.Linear(4, 4)
        self.frozen.requires_grad_(False)

    def forward(self, tokens, numbers):
        seen = self.back(self.words(tokens).mean(1))
        return self.frozen(self.last(torch.cat([seen, numbers], 1)))


def test_several_inputs_shared_weights_and_frozen_layers_are_trained_right():
    tokens = torch.randint(0, 9, (40, 5), generator=torch.Generator().manual_seed(0))
    task = problem_of(Pair, ((tokens, X, Y),) * 2)
    assert task.problem.prunable == ("words.weight", "last.weight")
    assert task.backend == "vmap"
    fleet, networks = task.fleet([0, 1]), [task.problem.network(seed) for seed in (0, 1)]
    inputs = task.problem.inputs(task.problem.data.test.inputs)
    assert inputs[0].dtype == torch.int64
    expected = torch.stack([network.eval()(*inputs) for network in networks])
    torch.testing.assert_close(fleet.forward(inputs), expected)
    fleet.forward(inputs, 1).sum().backward()
    assert fleet.parameters["frozen.weight"].grad is None
    assert fleet.parameters["words.weight"].grad is not None


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        (lambda: 3, "returns a int: it must return an nn.Module"),
        (lambda: nn.LazyLinear(4), "has lazy layers"),
        (lambda: nn.Linear(3, 5), r"returns \[5\] for a sample, and the data have 4 classes"),
        (lambda: nn.Linear(2, 4), "cannot be trained on inputs of 3"),
        (lambda: nn.ReLU(), "has no layers for --prunable all"),
        (lambda: Pairing(3, 4), "it returns a tuple, not a tensor"),
    ],
)
def test_models_that_do_not_fit_are_refused(model, complaint):
    with pytest.raises(UsageError, match=complaint):
        problem_of(model, ((X, Y), (X, Y)))


def test_a_network_that_is_always_the_same_begins_each_run_anew():
    net = nn.Linear(3, 4)
    before = {name: one.clone() for name, one in net.state_dict().items()}
    task = problem_of(lambda: net, ((X, Y), (X, Y)))
    first, again = (
        train_fleet([run(epochs=2)], task, lambda step, steps: None)[0].point for _ in range(2)
    )
    assert first.values["val_loss"] == again.values["val_loss"]
    assert task.problem.network(0) is not task.problem.network(0)
    for name, one in net.state_dict().items():
        assert torch.equal(one, before[name])


@pytest.mark.parametrize("option", ["model", "dataset", "loss"])
def test_a_name_without_a_function_is_told_the_form(option):
    with pytest.raises(UsageError, match=r"--\w+ mine is unknown.*or package.module:function"):
        prepare(Settings(**{option: "mine"}), Environment())


def test_our_models_for_images_refuse_other_data():
    with pytest.raises(UsageError, match=r"--model lenet5 is for images.*take --model mlp"):
        prepare(Settings(model="lenet5", dataset="d:d"), Environment(data=((X, Y), (X, Y))))
    assert prepare(Settings(dataset="d:d"), Environment(data=((X, Y), (X, Y)))).backend == "fused"


def test_inputs_are_scaled_by_their_kind():
    images = torch.randint(0, 256, (40, 1, 4, 4), generator=torch.Generator().manual_seed(0))
    found = ((images.byte(), 5 + 3 * X, Y, Y),) * 2
    task = problem_of(lambda: Three(), found)
    picture, numbers, whole = task.problem.inputs(task.problem.data.train.inputs)
    assert picture.min() >= 0
    assert picture.max() <= 1
    assert torch.equal(numbers, task.problem.data.train.inputs[1])
    task = problem_of(lambda: Three(), found, inputs="standard")
    picture, numbers, same = task.problem.inputs(task.problem.data.train.inputs)
    for own in (picture.flatten(1), numbers):
        assert own.mean().abs() < 1e-5
        assert own.std(correction=0).item() == pytest.approx(1, abs=1e-3)
    assert numbers.mean(0).abs().max() < 1e-5
    assert torch.equal(same, whole)
    assert whole.dtype == torch.int64


class Three(nn.Module):
    """Takes a picture, numbers and a whole number."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(16 + 3, 4)

    def forward(self, picture, numbers, whole):
        return self.last(torch.cat([picture.flatten(1), numbers], 1)) * whole[:, None]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"momentum": 0.9}, "--momentum is for"),
        ({"l2_conv": 1e-4}, "--l2-conv has no meaning for --model mlp"),
        ({"image_size": 32}, "--image-size is for --dataset folder"),
        ({"dataset": "folder"}, "folder:PATH"),
        ({"dataset": "mnist:here"}, "there is no module mnist"),
        ({"dataset": "mnist:"}, "write it like package.module:function"),
    ],
)
def test_what_the_problem_cannot_use_is_refused(options, said, tmp_path):
    with pytest.raises(UsageError, match=said):
        prepare(Settings.from_options(options), Environment(data_dir=tmp_path))
