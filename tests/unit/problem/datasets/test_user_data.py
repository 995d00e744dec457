"""A user's data: the forms that are taken, and those that are refused."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, TensorDataset

from paretoprune.errors import UsageError
from paretoprune.problem.datasets.user_data import load_user_data
from tests.support.problems import source

X, Y = torch.randn(40, 3), torch.arange(40) % 4


def load(found, **more):
    return load_user_data(lambda: found, source(**more), "--dataset mine:data")


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
