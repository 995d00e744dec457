"""A user's own network and data: what is found, offered and taken, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from paretoprune.errors import UsageError
from paretoprune.problem.build import Environment
from paretoprune.problem.datasets.user_data import own_data
from paretoprune.study.settings import Settings
from paretoprune.study.user_code import call, find
from paretoprune.training.prepare import prepare
from paretoprune.training.train import train_fleet
from tests.own_code import TABLE, module
from tests.problems import run, source

__all__ = ["module"]  # a fixture

X, Y = torch.randn(40, 3), torch.arange(40) % 4


def load(found, **more):
    return own_data(lambda: found, source(**more), "--dataset mine:data")


def test_a_function_is_found_in_the_current_folder(module):
    module("mine", "def build():\n    return 3\n")
    assert find("mine:build", "--model")() == 3
    module("deep.er.mine", "def build():\n    return 4\n")
    assert find("deep.er.mine:build", "--model")() == 4


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("absent:build", "--model absent:build: there is no module absent in the current folder"),
        ("mine:bild", "mine has no function bild: did you mean build?"),
        ("mine:number", "mine has no function number"),
        ("mine:", "is no name of a function: write it like package.module:function"),
        ("a b:c", "is no name of a function"),
        ("os:abort", "os is one of Python's own modules"),
        (
            "broken:build",
            r"broken:build cannot be imported: ZeroDivisionError.*broken.py, line 1\)",
        ),
        ("needy:build", "No module named 'not_there', which it imports: install it"),
        ("__main__:build", "was given by a Python program"),
    ],
)
def test_what_cannot_be_found_is_said(module, name, complaint):
    module("mine", "number = 3\ndef build():\n    return 3\n")
    module("broken", "1 / 0\n")
    module("needy", "import not_there\n")
    with pytest.raises(UsageError, match=complaint):
        find(name, "--model")


def test_a_function_is_given_what_it_asks_for():
    offered = {"shape": (3,), "classes": 2}
    assert call(lambda: 0, offered, "it") == 0
    assert call(lambda classes: classes, offered, "it") == 2
    assert call(lambda classes, width=7, **rest: (classes, width, rest), offered, "it") == (
        2,
        7,
        {},
    )
    with pytest.raises(UsageError, match=r"^it needs width, and is offered shape and classes only"):
        call(lambda width: width, offered, "it")
    with pytest.raises(UsageError, match=r"^it raises KeyError: 'no'.*test_own.py, line"):
        call(lambda: {}["no"], offered, "it")


class Squares(Dataset):
    """Samples of a picture and a label, as people write them."""

    def __len__(self):
        return 30

    def __getitem__(self, index):
        return np.full((2, 5), index, np.float64), index % 3


FORMS = {
    "tensors": ((X, Y), (X, Y)),
    "arrays": ((X.numpy(), Y.numpy()), (X.double().numpy(), Y.int().numpy())),
    "datasets": (TensorDataset(X, Y), TensorDataset(X, Y)),
    "loaders": tuple(DataLoader(TensorDataset(X, Y), batch_size=7) for _ in range(2)),
    "by name": {"train": (X, Y), "test": [X, Y]},
}


@pytest.mark.parametrize("form", FORMS)
def test_data_have_many_forms(form):
    data = load(FORMS[form])
    assert data.classes == 4
    assert (len(data.train), len(data.validation), len(data.test)) == (36, 4, 40)
    assert torch.equal(data.test.inputs[0], X)
    assert torch.equal(data.test.targets, Y)
    assert data.train.targets.bincount().tolist() == [9] * 4, "each class in proportion"


def test_validation_data_may_be_given():
    data = load(((X, Y), (X[:8], Y[:8]), (X, Y)))
    assert (len(data.train), len(data.validation), len(data.test)) == (40, 8, 40)


def test_a_dataset_of_arrays_is_read_whole():
    data = load((Squares(), Squares()))
    assert data.shapes == ((2, 5),)
    assert data.test.inputs[0].dtype == torch.float32
    assert data.test.inputs[0][:, 0, 0].tolist() == list(range(30))


def test_a_loader_that_shuffles_does_so_by_the_seed():
    shuffled = DataLoader(TensorDataset(X, Y), batch_size=7, shuffle=True)
    one, same, other = (load((shuffled, shuffled), seed=seed).test for seed in (1, 1, 2))
    assert torch.equal(one.inputs[0], same.inputs[0])
    assert not torch.equal(one.inputs[0], other.inputs[0])
    assert sorted(one.targets.tolist()) == sorted(Y.tolist())


def test_several_inputs_are_flat_or_nested():
    flat, nested = load(((X, X[:, :1], Y),) * 2), load((((X, X[:, :1]), Y),) * 2)
    assert flat.shapes == nested.shapes == ((3,), (1,))
    assert flat.classes == 4


def test_numbers_are_targets_too():
    data = load(((X, X[:, :2]), (X, X[:, :2])))
    assert (data.classes, data.outputs) == (0, 2)
    assert len(data.validation) == 4


@pytest.mark.parametrize(
    ("found", "complaint"),
    [
        (None, " returns a NoneType: it must return"),
        ((X, Y, X, Y), "returns a tuple"),
        ((X, Y), "its train data are a Tensor: give"),
        (((X, "no"), (X, Y)), "its train data hold a str"),
        (((X, Y[:5]), (X, Y)), "have 40 inputs and 5 targets"),
        (((X, Y), (X, Y), (X[:, :2], Y)), "not all of one shape"),
        (((X / 0, Y), (X, Y), (X, Y)), "are not all finite"),
        (((X, Y), (X, Y), (X, Y - 1)), "labels from -1 to 2"),
        (((X[:0], Y[:0]), (X, Y)), "hold no samples"),
        (([{"text": X}, Y], (X, Y)), "hold a dict"),
    ],
)
def test_data_of_another_form_are_refused(found, complaint):
    with pytest.raises(UsageError, match=f"^--dataset mine:data.*({complaint})"):
        load(found)


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
    assert first.val_loss == again.val_loss
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


@pytest.mark.slow
def test_the_whole_way_on_the_command_line(module, paretoprune):
    module("table", TABLE)
    own = ["--dataset=table:data", "--model=table:model"]
    sweep = ["sweep", *own, "--loss=mse", "--epochs=20", "--max-runs=4", "--fleet=4", "--smgd=1"]
    assert paretoprune(*sweep).code == 0
    assert Path("table/front.png").exists(), "a study is called after its module"
    shown = paretoprune("show", "table", "--all").out
    assert "R²" in shown
    assert "acc." not in shown
    again = paretoprune("sweep", "table", "--max-runs=6")
    assert (again.code, "7 runs" in again.out) == (0, True)
    other = paretoprune("sweep", "table", "--loss=cross-entropy")
    assert (other.code, "--loss is mse, not cross-entropy" in other.err) == (2, True)
    module("table", "")
    gone = paretoprune("sweep", "table", "--max-runs=8")
    assert (gone.code, "table has no function" in gone.err) == (2, True)


def test_a_network_that_cannot_be_counted_is_trained_and_recorded(monkeypatch):
    task = problem_of(lambda: nn.Linear(3, 4), ((X, Y), (X, Y)))

    def raising(network, inputs):
        raise RuntimeError("no copies")

    monkeypatch.setattr("paretoprune.training.outcome.compact", raising)
    (outcome,) = train_fleet([run(epochs=1)], task, lambda step, steps: None)
    point = outcome.point
    assert (point.status, point.parameters, point.neurons) == ("done", None, None)
    assert point.nonzeros > 0
    assert "compact size cannot be counted: RuntimeError: no copies" in outcome.notes[0]
